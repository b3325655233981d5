import type { CommandUser } from '../arm/clusterCommand.ts';
import type { Answer } from '../cloud.ts';
import type { WireAnswer } from '../listener.ts';
import type { CommandEnd, CommandShell } from './commandShell.ts';
import type { Cluster } from './world.ts';

/**
 * A quick stand-in for sh, kubectl and jq: knows our scripts by their first line and refuses
 * anything else. Of kubectl it plays what the scripts show of it: an answer's body, or else the
 * log of the response and the message (as since 1.33). test/tools compares it with the real one.
 */
export function modelShell(apiServer: (cluster: Cluster) => Answer): CommandShell {
  return {
    async run({ cluster, user, command }) {
      const [, encoded = ''] = /^echo ([A-Za-z0-9+/=]+) \| base64 -d \| sh$/.exec(command) ?? [];
      const script = Buffer.from(encoded, 'base64').toString('utf8');
      if (!script.startsWith('# aks-reboot command v1\n')) return unknown;
      const lines: string[] = [];
      for (const line of script.split('\n')) {
        const said = /^echo (AKSREBOOT1 .*)$/.exec(line)?.[1];
        if (said !== undefined) lines.push(said);
        const asked = /^ask (\d+) '[^']*' '([^']*)' (\w+) (.*)$/.exec(line);
        if (asked === null) continue;
        const [, number = '', body = '', verb = '', rest = ''] = asked;
        const request = requestOf(verb, rest, Buffer.from(body, 'base64').toString('utf8'));
        const answer = await apiServer(cluster)({ ...request, ...identityOf(user, request) });
        lines.push(`${number} ${told(request, answer)}`);
      }
      return { exitCode: 0, output: `${lines.join('\n')}\n` };
    },
  };
}

/** One in whose pod nothing is that our command begins with. */
export const bareShell: CommandShell = {
  run: () => Promise.resolve({ exitCode: 127, output: 'sh: base64: not found\n' }),
};

const unknown: CommandEnd = {
  exitCode: 127,
  output: 'the model shell knows only our own scripts; use the real one\n',
};

const methods: Readonly<Record<string, string>> = {
  get: 'GET',
  create: 'POST',
  replace: 'PUT',
  delete: 'DELETE',
  patch: 'PATCH',
};

interface Request {
  method: string;
  url: string;
  headers: Record<string, string>;
  body: string;
}

function identityOf(user: CommandUser, { headers }: Request) {
  const { signal } = new AbortController();
  return user.kind === 'admin'
    ? { headers, certificateUser: user.actor, signal }
    : {
        headers: { ...headers, authorization: `Bearer ${user.token}` },
        certificateUser: undefined,
        signal,
      };
}

function requestOf(verb: string, rest: string, body: string): Request {
  const method = methods[verb] ?? '';
  const headers = { 'user-agent': 'kubectl', accept: 'application/json' };
  if (verb !== 'patch') {
    const url = /^--raw '([^']*)'/.exec(rest)?.[1] ?? '';
    return { method, url, headers: { ...headers, 'content-type': 'application/json' }, body };
  }
  const [, kind = '', name = '', namespace, type = ''] =
    /^'([^']*)' '([^']*)'(?: -n '([^']*)')? --type=(\w+) /.exec(rest) ?? [];
  const [resource = '', version, ...group] = kind.split('.');
  const root = version === undefined ? '/api/v1' : `/apis/${group.join('.')}/${version}`;
  const within = namespace === undefined ? '' : `/namespaces/${namespace}`;
  const media = type === 'strategic' ? 'strategic-merge' : type === 'merge' ? 'merge' : 'json';
  return {
    method,
    url: `${root}${within}/${resource}/${name}?fieldManager=kubectl-patch`,
    headers: { ...headers, 'content-type': `application/${media}-patch+json` },
    body,
  };
}

/** The line that the script prints of an answer. */
function told({ method, url }: Request, answer: WireAnswer): string {
  if (answer.kind === 'drop') return line('no', 'error: EOF\n');
  if (answer.kind === 'stream') return 'bad';
  const { status, headers, body } = answer;
  if (status < 300) return line('ok', JSON.parse(body));
  const { reason = '', message = body } = statusOf(body);
  const text = [
    'I0105 22:00:00.000000       1 round_trippers.go:527] "Request" ' +
      `verb="${method}" url="https://kubernetes${url}" headers=<`,
    '\tUser-Agent: kubectl',
    ' >',
    'I0105 22:00:00.000000       1 round_trippers.go:632] "Response" ' +
      `status="${status} ${reason}" headers=<`,
    ...Object.entries(headers).map(([name, value]) => `\t${canonical(name)}: ${value}`),
    ' > milliseconds=1',
    'I0105 22:00:00.000000       1 helper.go:269] "Response Body" body=<',
    `\t${body.trimEnd()}`,
    ' >',
    `Error from server (${reason}): ${message}`,
    '',
  ].join('\n');
  return line('no', text);
}

function line(word: 'ok' | 'no', value: unknown): string {
  const data = ascii(JSON.stringify(value));
  return `${word} plain ${data.length} ${data}`;
}

function statusOf(body: string): { reason?: string; message?: string } {
  try {
    return JSON.parse(body) as { reason?: string; message?: string };
  } catch {
    return {};
  }
}

const canonical = (name: string) =>
  name.replaceAll(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());

const ascii = (text: string) =>
  text.replaceAll(
    /[\u007f-\uffff]/g,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
