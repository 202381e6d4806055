/** nats-server's configuration in its container: `users` is what `serverConfig` says of who may do what. */
export function natsConfig(users: string): string {
  return [
    "server_name: operator",
    'listen: "0.0.0.0:4222"',
    "# for the health check; published nowhere",
    'http: "127.0.0.1:8222"',
    "max_payload: 8MB",
    "jetstream {",
    "  store_dir: /data",
    "  max_file: 64GB",
    "  max_mem: 128MB",
    "  # What a crash of the operating system may cost; a killed process loses nothing.",
    "  sync_interval: 10s",
    "}",
    users,
  ].join("\n");
}
