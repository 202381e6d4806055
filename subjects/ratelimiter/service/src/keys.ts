/** Every name that the service uses in Redis. Counters have a prefix of their own, so that they can be scanned alone. */
export const keys = {
  counterPrefix: "ratelimit:",
  counter: (key: string) => `ratelimit:${key}`,
  reset: (key: string) => `ratelimiter:reset:${key}`,
  limits: "ratelimiter:limits",
  limitsVersion: "ratelimiter:limits:version",
  members: "ratelimiter:members",
  departed: "ratelimiter:departed",
  node: (id: string) => `ratelimiter:node:${id}`,
  probe: (id: string) => `ratelimiter:probe:${id}`,
} as const;
