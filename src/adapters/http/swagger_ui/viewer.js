window.addEventListener("load", () => {
  SwaggerUIBundle({
    url: "/api/schema/",
    dom_id: "#viewer",
    deepLinking: true,
    presets: [SwaggerUIBundle.presets.apis],
    layout: "BaseLayout",
    validatorUrl: null,
  });
});
