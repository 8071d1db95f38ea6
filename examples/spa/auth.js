let refreshing = null; // the one refresh that every call waits for
let round = 0; // how many refreshes have ended

const post = (path, body) =>
  fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

export async function signIn(username, password) {
  const answer = await post("/api/auth/signin?transport=cookie", { username, password });
  const account = await answer.json();
  if (!answer.ok) throw new Error(account.message);
  return account;
}

export async function api(path, options) {
  const before = round;
  const answer = await fetch(path, options);
  if (answer.status !== 401) return answer;
  if (before === round) await (refreshing ??= refresh().finally(() => (refreshing = null)));
  return fetch(path, options);
}

async function refresh() {
  const { status } = await post("/api/auth/refreshtoken");
  if (status === 200 || status === 403) round += 1; // renewed, or signed out; anything else may be tried again
}

export const signOut = () => post("/api/auth/signout");
