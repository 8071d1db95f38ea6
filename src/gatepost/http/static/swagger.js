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

function startAtUserName() {
  const password = document.getElementById("oauth_password");
  if (password === null) return;
  password.addEventListener("keydown", (event) => {
    if (event.key === "Enter") event.target.closest(".auth-container").querySelector(".authorize").click();
  });
  document.getElementById("oauth_username").focus();
  document.querySelector(".modal-ux-content").scrollTop = 0;
}

SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  validatorUrl: null,
  displayRequestDuration: true,
  persistAuthorization: true,
  tryItOutEnabled: true,
  defaultModelsExpandDepth: 0,
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIBundle.SwaggerUIStandalonePreset],
  plugins: [authorizeByKeyboard],
});
