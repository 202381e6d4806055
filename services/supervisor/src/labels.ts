/** What compose writes on what belongs to a project. */
export const projectLabel = "com.docker.compose.project";
/** `True` on what `docker compose run` started beside a service, with all of that service's labels. */
export const oneOffLabel = "com.docker.compose.oneoff";

/** The member of a subject that a container is, e.g. `node-a`; without it, a container is nobody's business. */
export const targetLabel = "operator.target";
/** The member's kind, e.g. `node`. */
export const kindLabel = "operator.kind";
/** The name by which members are cut off a network; without it, they can't be. */
export const networkLabel = "operator.network";
