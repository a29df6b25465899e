// OpenAI's own JavaScript client against a server. node node_client.cjs FOLDER ADDRESS: what it saw, as JSON.
const { createRequire } = require("node:module");
const OpenAI = createRequire(`${process.argv[2]}/`)("openai");

const ADD = {
  type: "function",
  function: { name: "add", parameters: { type: "object", properties: { a: { type: "integer" } }, required: ["a"] } },
};
const SCHEMA = { name: "add", schema: { type: "object", properties: { a: { type: "integer" } }, required: ["a"] } };
const messages = [{ role: "user", content: "Hi" }];

async function main() {
  const client = new OpenAI({ baseURL: `${process.argv[3]}/v1`, apiKey: "x", maxRetries: 0 });
  const chat = client.chat.completions;
  const plain = await chat.create({ model: "base", messages, n: 2, logprobs: true, top_logprobs: 1 });
  let streamed = "";
  let usage = null;
  const options = { model: "base", messages, stream: true, stream_options: { include_usage: true } };
  for await (const chunk of await chat.create(options)) {
    streamed += chunk.choices[0]?.delta?.content ?? "";
    usage = chunk.usage ?? usage;
  }
  const called = await chat.create({ model: "caller", messages, tools: [ADD] });
  const format = { type: "json_schema", json_schema: SCHEMA };
  const json = await chat.create({ model: "json", messages, response_format: format });
  const text = await client.completions.create({ model: "base", prompt: "one", stop: "conch" });
  const failed = await chat.create({ model: "none", messages }).catch((error) => error);
  const late = new OpenAI({ baseURL: `${process.argv[3]}/v1`, apiKey: "x", maxRetries: 0, timeout: 200 });
  const slow = await late.chat.completions.create({ model: "slow", messages }).catch((error) => error);
  console.log(JSON.stringify({
    answers: plain.choices.map((choice) => choice.message.content),
    tokens: plain.choices[0].logprobs.content.length,
    streamed,
    counted: usage.completion_tokens,
    call: called.choices[0].message.tool_calls[0].function,
    finish: called.choices[0].finish_reason,
    json: JSON.parse(json.choices[0].message.content),
    text: text.choices[0].text,
    models: (await client.models.list()).data.map((model) => model.id),
    failed: { kind: failed.constructor.name, status: failed.status, code: failed.code },
    slow: slow.constructor.name,
  }));
}

main().catch((error) => { console.error(error); process.exit(1); });
