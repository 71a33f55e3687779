// A real identity provider for tests: node provider.mjs <port> <client id> <secret> <redirect uri> <logout uri>
// Whoever logs in is called as they say; names that begin with "op" are of operators. The password does not matter.
import Provider from "oidc-provider";

const [port, client_id, client_secret, redirect_uri, logout_uri] = process.argv.slice(2);
const issuer = `http://localhost:${port}`;
const provider = new Provider(issuer, {
    clients: [{ client_id, client_secret, redirect_uris: [redirect_uri], post_logout_redirect_uris: [logout_uri] }],
    pkce: { required: () => true },
    scopes: ["openid", "profile", "email", "groups", "offline_access"],
    claims: {
        openid: ["sub"],
        profile: ["preferred_username", "given_name", "family_name"],
        email: ["email", "email_verified"],
        groups: ["groups"],
    },
    features: { devInteractions: { enabled: true }, rpInitiatedLogout: { enabled: true } },
    ttl: { Session: 3600, Grant: 3600, Interaction: 3600, IdToken: 3600, AccessToken: 3600 },
    cookies: { keys: ["a key of a provider that lives for a moment"] },
    async findAccount(ctx, id) {
        return {
            accountId: id,
            claims: async () => ({
                sub: id,
                preferred_username: id,
                given_name: "Olga",
                family_name: "Operator",
                email: `${id}@uni.example`,
                email_verified: true,
                groups: id.startsWith("op") ? ["operators"] : ["guests"],
            }),
        };
    },
});
provider.listen(Number(port), "127.0.0.1", () => console.log(`ready ${issuer}`));
