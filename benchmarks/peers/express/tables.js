// The tables: accounts, roles, who has which, and refresh tokens, one row each.
const { DataTypes, Sequelize } = require("sequelize");

function connect(url, withSqlLog) {
  // Sequelize writes every statement to the console unless it is told not to.
  const options = { pool: { max: 5, min: 0, acquire: 30000, idle: 10000 } };
  if (!withSqlLog) options.logging = false;
  const sequelize = new Sequelize(url, options);

  const User = sequelize.define("users", {
    username: { type: DataTypes.STRING, unique: true },
    email: { type: DataTypes.STRING, unique: true },
    password: DataTypes.STRING,
  });
  const Role = sequelize.define("roles", {
    id: { type: DataTypes.INTEGER, primaryKey: true },
    name: DataTypes.STRING,
  });
  const RefreshToken = sequelize.define("refreshTokens", {
    token: { type: DataTypes.STRING, unique: true },
    expiryDate: DataTypes.DATE,
  });
  User.belongsToMany(Role, { through: "user_roles" });
  Role.belongsToMany(User, { through: "user_roles" });
  RefreshToken.belongsTo(User, { foreignKey: "userId" });
  User.hasOne(RefreshToken, { foreignKey: "userId" });
  return { sequelize, User, Role, RefreshToken };
}

async function prepare({ sequelize, Role }) {
  await sequelize.sync();
  for (const [id, name] of [[1, "user"], [2, "moderator"], [3, "admin"]]) await Role.findOrCreate({ where: { id }, defaults: { name } });
}

module.exports = { connect, prepare };
