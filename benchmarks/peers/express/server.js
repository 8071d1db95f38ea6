// Sign-up, sign-in, refresh and four boards. A guard verifies the token; a role is read with two queries.
const { randomUUID } = require("node:crypto");
const bcrypt = require("bcryptjs");
const cors = require("cors");
const express = require("express");
const jwt = require("jsonwebtoken");
const { Op } = require("sequelize");
const { connect, prepare } = require("./tables");

const SECRET = "a-secret-of-the-benchmark";
const ACCESS_SECONDS = 24 * 60 * 60;
const REFRESH_SECONDS = 30 * 24 * 60 * 60;
const BCRYPT_COST = 8;

const { sequelize, User, Role, RefreshToken } = connect(process.env.DATABASE_URL, process.env.SQL_LOG === "1");
const app = express();
app.use(cors({ origin: "http://localhost:8081" }));
app.use(express.json());
app.use(express.urlencoded({ extended: true }));

const caught = (handler) => async (request, response, next) => {
  try {
    await handler(request, response, next);
  } catch (error) {
    response.status(500).send({ message: error.message });
  }
};

const accessToken = (user) => jwt.sign({ id: user.id }, SECRET, { expiresIn: ACCESS_SECONDS });

function signedIn(request, response, next) {
  const token = request.headers["x-access-token"];
  if (!token) return response.status(403).send({ message: "No token provided!" });
  jwt.verify(token, SECRET, (error, claims) => {
    if (error) return response.status(401).send({ message: "Unauthorized!" });
    request.userId = claims.id;
    next();
  });
}

const withRole = (name) =>
  caught(async (request, response, next) => {
    const user = await User.findByPk(request.userId);
    const roles = await user.getRoles();
    if (roles.some((role) => role.name === name)) return next();
    response.status(403).send({ message: `Require ${name} Role!` });
  });

async function newRefreshToken(user) {
  const expiryDate = new Date(Date.now() + REFRESH_SECONDS * 1000);
  const row = await RefreshToken.create({ token: randomUUID(), userId: user.id, expiryDate });
  return row.token;
}

app.post("/api/auth/signup", caught(async (request, response) => {
  const { username, email, password, roles } = request.body;
  if (await User.findOne({ where: { username } })) return response.status(400).send({ message: "Username is in use!" });
  if (await User.findOne({ where: { email } })) return response.status(400).send({ message: "Email is in use!" });
  const user = await User.create({ username, email, password: bcrypt.hashSync(password, BCRYPT_COST) });
  await user.setRoles(roles ? await Role.findAll({ where: { name: { [Op.or]: roles } } }) : [1]);
  response.send({ message: "User registered successfully!" });
}));

app.post("/api/auth/signin", caught(async (request, response) => {
  const user = await User.findOne({ where: { username: request.body.username } });
  if (!user) return response.status(404).send({ message: "User Not found." });
  if (!bcrypt.compareSync(request.body.password, user.password)) {
    return response.status(401).send({ accessToken: null, message: "Invalid Password!" });
  }
  const refreshToken = await newRefreshToken(user);
  const roles = (await user.getRoles()).map((role) => `ROLE_${role.name.toUpperCase()}`);
  const { id, username, email } = user;
  response.status(200).send({ id, username, email, roles, accessToken: accessToken(user), refreshToken });
}));

app.post("/api/auth/refreshtoken", caught(async (request, response) => {
  const row = await RefreshToken.findOne({ where: { token: request.body.refreshToken } });
  if (!row) return response.status(403).json({ message: "Refresh token is not in database!" });
  if (row.expiryDate.getTime() < Date.now()) {
    await RefreshToken.destroy({ where: { id: row.id } });
    return response.status(403).json({ message: "Refresh token was expired." });
  }
  const user = await row.getUser();
  response.status(200).json({ accessToken: accessToken(user), refreshToken: row.token });
}));

app.get("/api/test/all", (_, response) => response.status(200).send("Public Content."));
app.get("/api/test/user", signedIn, (_, response) => response.status(200).send("User Content."));
app.get("/api/test/admin", signedIn, withRole("admin"), (_, response) => response.status(200).send("Admin Content."));

prepare({ sequelize, Role }).then(() => app.listen(Number(process.env.PORT), "127.0.0.1"));
