// better-auth with e-mail and password; two boards behind its session, and its public keys by the jwt plugin.
import { createServer } from "node:http";
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { fromNodeHeaders, toNodeHandler } from "better-auth/node";
import { admin, bearer, jwt } from "better-auth/plugins";
import { createPool } from "mysql2/promise";

const port = Number(process.env.PORT);
const options = {
  database: createPool({ uri: process.env.DATABASE_URL, timezone: "Z" }),
  baseURL: `http://127.0.0.1:${port}`,
  secret: "a-secret-of-the-benchmark-0123456789",
  emailAndPassword: { enabled: true },
  // It would stop the load program after a few requests.
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  // The load program is no browser and sends no Origin.
  advanced: { disableCSRFCheck: true, disableOriginCheck: true },
  plugins: [bearer(), admin(), jwt()],
};
const auth = betterAuth(options);
const handler = toNodeHandler(auth);

function answer(response, status, text) {
  response.writeHead(status, { "content-type": "text/plain" });
  response.end(text);
}

async function board(request, response, role) {
  const found = await auth.api.getSession({ headers: fromNodeHeaders(request.headers) });
  if (!found) return answer(response, 401, "Unauthorized!");
  if (role && found.user.role !== role) return answer(response, 403, "Require another Role!");
  answer(response, 200, "Content.");
}

const { runMigrations } = await getMigrations(options);
await runMigrations();
createServer((request, response) => {
  if (request.url.startsWith("/api/auth/")) return handler(request, response);
  if (request.url === "/api/test/all") return answer(response, 200, "Public Content.");
  board(request, response, request.url === "/api/test/admin" ? "admin" : null).catch((error) => answer(response, 500, error.message));
}).listen(port, "127.0.0.1");
