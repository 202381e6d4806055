import type { Progress } from "./progress.ts";
import type { Project } from "./project.ts";

/** Builds and fetches the images that the services need and the engine doesn't have: `build` makes the project's own anew. */
export async function haveImages(
  project: Project,
  { build, progress, signal }: { build: boolean; progress: Progress; signal: AbortSignal },
): Promise<void> {
  const byImage = new Map(project.topology.services.map((service) => [service.image, service]));
  // Several share an image; who builds it is one of them.
  for (const service of project.topology.services) if (service.isBuilt) byImage.set(service.image, service);
  const all = [...byImage.values()];
  const found = await Promise.all(
    all.map(({ image }) => project.docker.ask(["image", "inspect", "--format", "{{.Id}}", image])),
  );
  const missing = all.filter((_, at) => found[at]?.code !== 0);
  const word = (line: string) => {
    if (line.trim() !== "") progress.word(line);
  };
  const toBuild = all.filter((service) => service.isBuilt && (build || missing.includes(service)));
  for (const { image, name } of toBuild) {
    progress.step(`building ${image}`);
    await project.mustRun(["build", name], word, signal);
    signal.throwIfAborted();
  }
  const toPull = missing.filter(({ isBuilt }) => !isBuilt);
  if (toPull.length === 0) return;
  progress.step(`fetching ${toPull.map(({ image }) => image).join(", ")}`);
  await project.mustRun(["pull", ...toPull.map(({ name }) => name)], word, signal);
  signal.throwIfAborted();
}
