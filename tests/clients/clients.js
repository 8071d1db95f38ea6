// Browser clients as they are published for this API, reduced to what they do on the wire: XMLHttpRequest as axios and
// Angular's HttpClient use it, the person in localStorage, and a refresh on 401 that keeps the first refresh token.
"use strict";

const API = "http://localhost:8080/api/";
const STORED = "user";

const STYLES = {
  "x-access-token": { headers: (token) => ({ "x-access-token": token }), withCredentials: false },
  bearer: { headers: (token) => ({ Authorization: `Bearer ${token}` }), withCredentials: false },
  // The newer Angular clients: no header at all, the browser's cookies instead.
  cookie: { headers: () => ({}), withCredentials: true },
};

class Client {
  constructor(style) {
    this.style = STYLES[style];
    this.usesCookies = this.style.withCredentials;
    this.calls = [];
  }

  get user() {
    return JSON.parse(localStorage.getItem(STORED));
  }

  set user(user) {
    if (user === null) localStorage.removeItem(STORED);
    else localStorage.setItem(STORED, JSON.stringify(user));
  }

  signUp(username, email, password) {
    return this.request("POST", "auth/signup", { username, email, password });
  }

  async signIn(username, password) {
    const answer = await this.request("POST", "auth/signin", { username, password });
    if (answer.status === 200) this.user = answer.data;
    return answer;
  }

  async signOut() {
    const answer = this.usesCookies ? await this.send("POST", "auth/signout", {}) : null;
    this.user = null;
    return answer;
  }

  board(name) {
    return this.request("GET", `test/${name}`);
  }

  // Every answer of 401 but sign-in's own is taken for an expired access token: refresh, and try once more.
  async request(method, path, body) {
    const answer = await this.send(method, path, body);
    if (answer.status !== 401 || path === "auth/signin") return answer;
    const refreshed = await this.refresh();
    if (refreshed.status === 403) {
      this.user = null;
      return refreshed;
    }
    return this.send(method, path, body);
  }

  async refresh() {
    const body = this.usesCookies ? {} : { refreshToken: this.user?.refreshToken };
    // Through the same interceptor, so that a refused refresh must not be a 401.
    const answer = await this.request("POST", "auth/refreshtoken", body);
    if (answer.status === 200) this.user = { ...this.user, accessToken: answer.data.accessToken };
    return answer;
  }

  send(method, path, body) {
    const request = new XMLHttpRequest();
    request.open(method, API + path);
    request.withCredentials = this.style.withCredentials;
    request.setRequestHeader("Accept", "application/json, text/plain, */*");
    if (body !== undefined) request.setRequestHeader("Content-Type", "application/json");
    const token = this.user?.accessToken;
    if (token) for (const [name, value] of Object.entries(this.style.headers(token))) request.setRequestHeader(name, value);
    return new Promise((resolve) => {
      request.onloadend = () => {
        this.calls.push(`${request.status} ${path}`);
        resolve({ status: request.status, data: read(request.responseText) });
      };
      request.send(body === undefined ? null : JSON.stringify(body));
    });
  }
}

// axios takes what is no JSON for text.
function read(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
