// Asks the service at argv[2] with OpenAI's client for JavaScript, and prints what came of it as one JSON object.
import OpenAI from "openai";

const client = new OpenAI({ baseURL: `${process.argv[2]}/v1`, apiKey: "unused", maxRetries: 0 });
const messages = [
  { role: "system", content: "Be brief." },
  { role: "user", content: "Who arrived in Brazil on Monday for talks about trade?" },
];
// The client passes on what it does not know.
const dateline = { as_of: "2023-04-19" };

const whole = await client.chat.completions.create({ model: "dateline", messages, dateline });

const chunks = [];
const stream = await client.chat.completions.create({
  model: "dateline", messages, dateline, stream: true, stream_options: { include_usage: true },
});
for await (const chunk of stream) chunks.push(chunk);

// The client's own way of putting a stream together.
const runner = client.chat.completions.stream({ model: "dateline", messages, dateline });
const put_together = await runner.finalContent();

const models = [];
for await (const model of client.models.list()) models.push(model.id);
const one = await client.models.retrieve("openai:scripted");

const refused = await client.chat.completions
  .create({ model: "gpt-4", messages })
  .catch((error) => ({ name: error.constructor.name, status: error.status, code: error.code, param: error.param }));

console.log(JSON.stringify({ whole, chunks, put_together, models, one, refused }));
