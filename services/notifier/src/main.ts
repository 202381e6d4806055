import { readConfig } from "@operator/service/config";
import { runService } from "@operator/service/run-service";
import { notifierConfig } from "./config.ts";
import { Poster } from "./post.ts";
import { run } from "./run.ts";

const config = readConfig(notifierConfig, process.env);
await using poster = new Poster({
  url: config.OPERATOR_WEBHOOK_URL,
  secret: config.OPERATOR_WEBHOOK_SECRET,
  timeoutMs: config.OPERATOR_WEBHOOK_TIMEOUT_MS,
});

await runService({
  name: "notifier",
  config,
  run: (context) =>
    run(context, {
      post: (notice, signal) => poster.post(notice, signal),
      tries: config.OPERATOR_WEBHOOK_TRIES,
      retryMs: config.OPERATOR_WEBHOOK_RETRY_MS,
      lookBackMs: 3_600_000,
      ticketUrl: config.OPERATOR_TICKET_URL,
    }),
});
