// The simulator's JSON routes.

const base = document.body.dataset.base;

async function call(method, path, body) {
  const response = await fetch(base + path, {
    method,
    headers: body === undefined ? {} : { "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (!response.ok) {
    const answer = await response.json().catch(() => ({}));
    throw new Error(answer.error || `The server answered ${response.status}.`);
  }
  return response;
}

const conversation = (id) => `conversations/${encodeURIComponent(id)}`;

export const server = {
  async changes(run, since) {
    const response = await call("GET", `state?run=${run}&since=${since}`);
    return response.status === 204 ? null : response.json();
  },
  places: async () => (await call("GET", "places")).json(),
  add: async (details) => (await call("POST", "conversations", details)).json(),
  remove: (id) => call("DELETE", conversation(id)),
  write: (id, text, to) => call("POST", `${conversation(id)}/messages`, to ? { text, to } : { text }),
  press: (id, messageId, data) => call("POST", `${conversation(id)}/presses`, { message_id: messageId, data }),
  turn: (id, name, on) => call("POST", `${conversation(id)}/switches`, { name, on }),
};
