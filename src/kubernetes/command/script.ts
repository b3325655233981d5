import { forPeople, TroubleError } from '../../domain/trouble.ts';
import { isPath } from '../shape.ts';

/** A request to the API server, before it is a line of a script. */
export interface ApiRequest {
  method: string;
  /** Path and query. */
  path: string;
  contentType: string;
  /** Empty: none. */
  body: string;
}

/** Nothing is begun later than so many seconds after the script: who asked has stopped waiting. */
const beginWithinSeconds = 45;
const requestSeconds = 15;
/** AKS returns 512 kB of a command's output, and says nothing when there was more. */
const outputBytes = 480_000;

/**
 * What runs in the command's pod: each `ask` is one call of kubectl, its answer one line. Only
 * POSIX sh, and what AKS says the pod has (kubectl, jq, awk) or any system has; gzip where there
 * is one. A pod's CPU is half a core, so the calls go one after another.
 *
 * `-v=8` makes kubectl tell status, headers and body of what the API server refused, which its
 * error message leaves out. Old versions end that with the stacks of all goroutines.
 */
const prologue = `# aks-reboot command v1
export LC_ALL=C
dir=$(mktemp -d) || exit 90
trap 'rm -rf "$dir"' EXIT
body=$dir/body
begun=$(date +%s)
left=${outputBytes}
tell() {
  how=plain
  if [ "$(wc -c <"$dir/line")" -gt 2000 ] && command -v gzip >/dev/null; then
    how=gzip
    gzip -c "$dir/line" | base64 | tr -d '\\n' >"$dir/data"
  else
    tr -d '\\n' <"$dir/line" >"$dir/data"
  fi
  size=$(($(wc -c <"$dir/data")))
  if [ "$size" -ge "$left" ]; then
    echo "$1 big $size"
  else
    left=$((left - size))
    printf '%s ' "$1" "$2" $how $size
    cat "$dir/data"
    echo
  fi
}
ask() {
  number=$1 keep=$2
  if [ $(($(date +%s) - begun)) -ge ${beginWithinSeconds} ]; then
    echo "$number late"
    return
  fi
  printf %s "$3" | base64 -d >"$body"
  shift 3
  if kubectl -v=8 --request-timeout=${requestSeconds}s --cache-dir="$dir/cache" "$@" \\
    </dev/null >"$dir/out" 2>"$dir/err"; then
    if jq -ac "$keep" "$dir/out" >"$dir/line"; then tell "$number" ok; else echo "$number bad"; fi
  else
    awk '/^goroutine /{exit}1' "$dir/err" | tail -c 16000 | jq -aRsc . >"$dir/line"
    tell "$number" no
  fi
}
`;

/** The lines around the answers: both have to be there, or something was cut off. */
export const firstLine = 'AKSREBOOT1 BEGIN';
export const lastLine = (count: number) => `AKSREBOOT1 END ${count}`;

/** The script that asks for all of it, in order. Throws `invalid` trouble for what it can't ask. */
export function scriptFor(requests: readonly ApiRequest[]): string {
  const asks = requests.map(
    (request, number) =>
      `ask ${number} '${fieldsKept(request)}' '${base64(request.body)}' ` +
      kubectlArguments(request),
  );
  const { length } = requests;
  return [`${prologue}echo ${firstLine}`, ...asks, `echo ${lastLine(length)}`, ''].join('\n');
}

/**
 * The script as one line of letters, digits and a few signs: nobody between us and the pod's shell
 * can read a quote, a dollar or a newline in it in another way.
 */
export function commandFor(script: string): string {
  return `echo ${base64(script)} | base64 -d | sh`;
}

/** What makes lists long, and what no view (`views.ts`) reads. */
const nodeBallast = '.metadata.managedFields,.status.images,.status.volumesInUse';
const podBallast =
  '.metadata.managedFields,.spec.containers,.spec.initContainers,.spec.tolerations' +
  ',.status.containerStatuses,.status.initContainerStatuses';

function withoutQuery(path: string): string {
  return path.split('?', 1)[0] ?? '';
}

/** A jq filter: what is left of the answer. */
function fieldsKept({ path }: ApiRequest): string {
  const pathname = withoutQuery(path);
  if (pathname === '/api/v1/nodes') return `del(.items[]?|${nodeBallast})`;
  if (pathname.startsWith('/api/v1/nodes/')) return `del(${nodeBallast})`;
  if (pathname === '/api/v1/pods') return `del(.items[]?|${podBallast})`;
  if (/^\/apis\/apps\/v1\/.*\/daemonsets\/[^/]+$/u.test(pathname)) return '{metadata}';
  return '.';
}

const patchTypes: Readonly<Record<string, string>> = {
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
};

/** kubectl has raw forms of all verbs but patch. */
function kubectlArguments(request: ApiRequest): string {
  if (!isPath(withoutQuery(request.path))) throw impossible(request);
  const raw = `--raw ${quoted(request.path)}`;
  const file = request.body === '' ? '' : ' -f "$body"';
  switch (request.method) {
    case 'GET':
      return `get ${raw}`;
    case 'POST':
      return `create ${raw}${file}`;
    case 'PUT':
      // Old versions ask for the OpenAPI document first, to check what the server checks as well.
      return `replace ${raw}${file} --validate=false`;
    case 'DELETE':
      return `delete ${raw}${file}`;
    case 'PATCH':
      return patchArguments(request);
    default:
      throw impossible(request);
  }
}

const name = '[A-Za-z0-9][A-Za-z0-9._-]*';
const objectPath = new RegExp(
  `^/(?:api/v1|apis/(?<group>${name})/(?<version>${name}))` +
    `(?:/namespaces/(?<namespace>${name})(?=/))?/(?<resource>[a-z]+)/(?<object>${name})$`,
  'u',
);

function patchArguments(request: ApiRequest): string {
  const { group, version, namespace, resource, object } =
    objectPath.exec(request.path)?.groups ?? {};
  const type = patchTypes[request.contentType];
  if (resource === undefined || object === undefined || type === undefined) {
    throw impossible(request);
  }
  const kind = group === undefined ? resource : `${resource}.${version}.${group}`;
  const where = namespace === undefined ? '' : ` -n ${quoted(namespace)}`;
  const what = `${quoted(kind)} ${quoted(object)}${where}`;
  return `patch ${what} --type=${type} --patch-file="$body" -o json`;
}

/** What URLs are made of, the quote excepted: in single quotes none of it means anything to sh. */
const inQuotes = /^[A-Za-z0-9/._~%?=&,:+@!*()-]*$/u;

function quoted(text: string): string {
  if (inQuotes.test(text)) return `'${text}'`;
  const value = forPeople(`not a path for a command: ${text}`);
  throw new TroubleError({ kind: 'invalid', value });
}

function impossible({ method, path }: ApiRequest): TroubleError {
  const value = forPeople(`${method} ${path}: no command can ask that`);
  return new TroubleError({ kind: 'invalid', value });
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
