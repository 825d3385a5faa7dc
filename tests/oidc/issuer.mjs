// A real OpenID Connect issuer. Usage, beside its packages: node issuer.mjs PORT CLIENTS
//   CLIENTS is JSON: {client id: further claims of its tokens}; each client's secret is its id.
import { generateKeyPairSync } from 'node:crypto';
import Provider from 'oidc-provider';

const [port, clients] = process.argv.slice(2);
const claims = JSON.parse(clients);
const issuer = `http://127.0.0.1:${port}`;

const jwk = (algorithm, type, options) => ({
  ...generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' }),
  alg: algorithm,
  use: 'sig',
});

const provider = new Provider(issuer, {
  jwks: {
    keys: [
      jwk('RS256', 'rsa', { modulusLength: 2048 }),
      jwk('ES256', 'ec', { namedCurve: 'P-256' }),
      jwk('EdDSA', 'ed25519', {}),
    ],
  },
  clients: Object.keys(claims).map((id) => ({
    client_id: id,
    client_secret: id,
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
  })),
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      // A resource names who the token is for, and in ?alg= how it is to be signed.
      getResourceServerInfo: (_context, resource) => {
        const { origin, searchParams } = new URL(resource);
        return {
          scope: '',
          audience: origin,
          accessTokenFormat: 'jwt',
          accessTokenTTL: 600,
          jwt: { sign: { alg: searchParams.get('alg') ?? 'RS256' } },
        };
      },
    },
  },
  extraTokenClaims: (_context, token) => claims[token.clientId],
});

provider.listen(Number(port), '127.0.0.1');
