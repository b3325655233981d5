import type { webcrypto } from 'node:crypto';
import type { Extension, JsonName } from '@peculiar/x509';
import { reflectMetadata } from './reflectMetadata.ts';

reflectMetadata();
const x509 = await import('@peculiar/x509');

/** A throwaway certificate authority: made at start, gone at stop. Clients really verify it. */
export interface Authority {
  /** The authority's own certificate, PEM. */
  readonly pem: string;
  /** A certificate for a server on loopback. */
  issueServer(): Promise<KeyPair>;
  /** A client certificate; API servers read the user from CN and the groups from O. */
  issueClient(user: string, group: string): Promise<KeyPair>;
}

/** Both PEM. */
export interface KeyPair {
  certificate: string;
  key: string;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const dayMs = 24 * 3600 * 1000;
/** Certificates are judged by TLS libraries, which look at the wall clock, not at ours. */
const validity = () => ({
  notBefore: new Date(Date.now() - dayMs),
  notAfter: new Date(Date.now() + 365 * dayMs),
});

const newKeys = () => crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);

async function keyPem(key: webcrypto.CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY');
}

/** Makes an authority whose name people see in their TLS errors. */
export async function createAuthority(name: string): Promise<Authority> {
  const keys = await newKeys();
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    keys,
    signingAlgorithm: algorithm,
    ...validity(),
    extensions: [
      new x509.BasicConstraintsExtension(true, 1, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  let issued = 1;

  const issue = async (subject: JsonName, extensions: Extension[]) => {
    const own = await newKeys();
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: (++issued).toString(16).padStart(4, '0'),
      subject,
      issuer: root.subject,
      publicKey: own.publicKey,
      signingKey: keys.privateKey,
      signingAlgorithm: algorithm,
      ...validity(),
      extensions: [
        ...extensions,
        await x509.AuthorityKeyIdentifierExtension.create(keys.publicKey),
      ],
    });
    return { certificate: certificate.toString('pem'), key: await keyPem(own.privateKey) };
  };

  return {
    pem: root.toString('pem'),
    issueServer: () =>
      issue(
        [{ CN: ['localhost'] }],
        [
          new x509.SubjectAlternativeNameExtension([
            { type: 'dns', value: 'localhost' },
            { type: 'ip', value: '127.0.0.1' },
          ]),
          new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
        ],
      ),
    issueClient: (user, group) =>
      issue(
        [{ O: [group] }, { CN: [user] }],
        [new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth])],
      ),
  };
}
