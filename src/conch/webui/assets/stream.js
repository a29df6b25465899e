// Answers come to Gradio's page on one stream, which the server ends with the last answer that it owes. What
// is asked in that very moment is owed by no stream: the page takes the old one for open, waits on it, and a
// press seems lost. Here a stream that ends while something is owed is followed by the next one, unseen.
(() => {
  const fetched = window.fetch.bind(window);
  const owed = new Set(), before = new Set(); // `before`: answered sooner than we heard under which name
  const ENDS = '"msg":"close_stream"', ANSWERED = '"msg":"process_completed"';
  const pathOf = (asked) => new URL(asked instanceof Request ? asked.url : asked, window.location.href).pathname;

  window.fetch = async (asked, how) => {
    const path = pathOf(asked);
    if (path.endsWith("/queue/join")) return remember(await fetched(asked, how));
    if (!path.endsWith("/queue/data")) return fetched(asked, how);
    const request = new Request(asked, how);
    const first = await fetched(request.clone());
    if (!first.ok || !first.body) return first;
    return new Response(joined(first, request), { status: first.status, headers: first.headers });
  };

  async function remember(answer) {
    const told = await answer.clone().json().catch(() => ({}));
    if (told.event_id && !before.delete(told.event_id)) owed.add(told.event_id);
    return answer;
  }

  const answered = (name) => owed.delete(name) || before.add(name);

  // one body out of as many as it takes
  function joined(first, request) {
    const { readable, writable } = new TransformStream();
    const out = writable.getWriter();
    (async () => {
      try {
        let answer = first;
        while (answer) answer = (await passOn(answer, out)) ? await fetched(request.clone()) : null;
        await out.close();
      } catch (error) {
        out.abort(error).catch(() => {});
      }
    })();
    return readable;
  }

  // every message but an end that comes too early; true where it did
  async function passOn(answer, out) {
    if (!answer.ok) { owed.clear(); return false; }
    const reader = answer.body.getReader(), decoder = new TextDecoder(), encoder = new TextEncoder();
    let rest = "", early = false;
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return early;
      const messages = (rest + decoder.decode(value, { stream: true })).split("\n\n");
      rest = messages.pop();
      for (const message of messages) {
        if (message.slice(0, 80).includes(ANSWERED)) answered(/"event_id":"(\w+)"/.exec(message)?.[1]);
        if (message.slice(0, 80).includes(ENDS) && owed.size) early = true;
        else await out.write(encoder.encode(`${message}\n\n`));
      }
    }
  }
})();
