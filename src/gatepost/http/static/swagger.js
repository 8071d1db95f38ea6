// Authorize opens at the user name, and Enter in the password field signs in.
const authorizeByKeyboard = {
  statePlugins: {
    auth: {
      wrapActions: {
        showDefinitions: (show) => (definitions) => {
          const result = show(definitions);
          if (definitions) setTimeout(startAtUserName);
          return result;
        },
      },
    },
  },
};

// A reload keeps the access token, for this tab; Swagger UI itself would keep the password beside it, for ever.
const KEPT = "gatepost.docs.token";
const keepToken = {
  statePlugins: {
    auth: {
      wrapActions: {
        authorizeOauth2WithPersistOption: (authorize) => (payload) => {
          sessionStorage.setItem(KEPT, payload.token.access_token);
          return authorize(payload);
        },
        logoutWithPersistOption: (logout) => (names) => {
          sessionStorage.removeItem(KEPT);
          return logout(names);
        },
      },
    },
  },
};

function showKeptToken() {
  const token = sessionStorage.getItem(KEPT);
  if (token !== null) ui.preauthorizeApiKey("bearer", token);
}

function startAtUserName() {
  const password = document.getElementById("oauth_password");
  if (password === null) return;
  password.addEventListener("keydown", (event) => {
    if (event.key === "Enter") event.target.closest(".auth-container").querySelector(".authorize").click();
  });
  document.getElementById("oauth_username").focus();
  document.querySelector(".modal-ux-content").scrollTop = 0;
}

const ui = SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  validatorUrl: null,
  displayRequestDuration: true,
  persistAuthorization: false,
  onComplete: showKeptToken,
  tryItOutEnabled: true,
  defaultModelsExpandDepth: 0,
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIBundle.SwaggerUIStandalonePreset],
  plugins: [authorizeByKeyboard, keepToken],
});
