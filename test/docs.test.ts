import { execFile } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { kuredFlags } from '../cli/kured/flags.ts';
import { generate } from '../docs.ts';
import { registerFunctions } from '../functions/register.ts';
import { auditActions } from '../local/azure/audit.ts';
import { virtualClock } from '../local/clock.ts';
import { createHost } from '../local/host/host.ts';
import type { FunctionInfo } from '../local/host/host.ts';
import { nodeEvent, nodeEventReasons } from '../src/domain/nodeEvent.ts';
import { noteKinds } from '../src/domain/note.ts';
import { outcomeKinds } from '../src/domain/outcome.ts';
import { reasonKinds } from '../src/domain/reason.ts';
import { portsFromEnvironment } from '../src/environment.ts';
import { parseSettings } from '../src/policy/settings.ts';

/** The documentation against the code: what it names exists, and what exists it names. */

const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/u, '');
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const pages = [
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name.replaceAll('\\', '/')}`),
];

const captured = (text: string, pattern: RegExp) =>
  [...text.matchAll(pattern)].map(([, first = '']) => first);
const sorted = (names: Iterable<string>) => [...new Set(names)].sort();

/** What stands below a heading, up to the next one of its level. */
function section(page: string, heading: string): string {
  const text = read(page);
  const from = text.indexOf(`\n${heading}\n`);
  if (from < 0) throw new Error(`${page} has no heading "${heading}"`);
  const body = text.slice(from + heading.length + 2);
  const level = /^#+/u.exec(heading)?.[0].length ?? 1;
  const next = new RegExp(`^#{1,${level}} `, 'mu').exec(body);
  return next === null ? body : body.slice(0, next.index);
}

/** The names in backticks at the beginning of a table's rows. */
const rowsOf = (text: string) => captured(text, /^\| `([^`]+)`/gmu);

describe('what is generated', () => {
  it('is fresh; if not, run: npm run docs', async () => {
    for (const [path, text] of await generate(root)) {
      expect({ path, text: read(path) }).toEqual({ path, text });
    }
  });

  it('holds schemas that a validator takes', () => {
    for (const name of ['settings', 'report', 'plan', 'audit']) {
      const schema = JSON.parse(read(`docs/schemas/${name}.schema.json`)) as object;
      const ajv = new Ajv2020({ strict: false, validateFormats: false });
      expect(ajv.validateSchema(schema)).toBe(true);
    }
  });
});

describe('settings', () => {
  it('are shown by an example that is right', () => {
    for (const page of ['docs/settings.md', 'docs/windows.md']) {
      const examples = captured(read(page), /```(?:json|yaml)\n([\s\S]*?)```/gu);
      expect(examples.length).toBeGreaterThan(0);
      for (const example of examples) expect(parseSettings(example).kind).toBe('ok');
    }
  });

  it('name every variable of the environment, and no other', () => {
    const sources = ['src/environment.ts', 'functions/main.ts', 'cli/processClock.ts'];
    const code = sources.map(read).join('\n');
    const used = [
      ...captured(code, /\[['"]([A-Za-z_]+)['"]\]/gu),
      ...captured(read('host.json'), /%([A-Z_]+)%/gu),
    ];
    const heading = '## Where it is read from, and everything else that the environment says';
    expect(sorted(rowsOf(section('docs/settings.md', heading)))).toEqual(sorted(used));
  });
});

describe('the way from kured', () => {
  it('explains every flag of it, and no other', () => {
    const flags = Object.keys(kuredFlags).map((flag) => `--${flag}`);
    expect(sorted(rowsOf(read('docs/from-kured.md')))).toEqual(sorted(flags));
  });
});

describe('operations', () => {
  const anchors = (kind: string) =>
    [
      ...read('docs/operations.md').matchAll(
        new RegExp(`<a id="${kind}-([a-z]+)"></a>\\*\\*\`([A-Za-z]+)\``, 'gu'),
      ),
    ].map(([, id, name]) => ({ id, name }));

  it('explain every outcome, and no other', () => {
    expect(sorted(anchors('outcome').map(({ name = '' }) => name))).toEqual(sorted(outcomeKinds));
  });

  it('explain every reason, and no other', () => {
    expect(sorted(anchors('reason').map(({ name = '' }) => name))).toEqual(sorted(reasonKinds));
  });

  it('give each the anchor of its name', () => {
    for (const { id, name } of [...anchors('outcome'), ...anchors('reason')]) {
      expect(id).toBe(name?.toLowerCase());
    }
  });
});

describe('events on a node', () => {
  it('are all explained, and no other, with their type', () => {
    const rows = [
      ...section('docs/operations.md', '## Events on a node').matchAll(
        /^\| `(\w+)` +\| (Normal|Warning) /gmu,
      ),
    ].map(([, reason, type]) => ({ reason, type }));
    const at = '2026-01-05T22:00:00Z';
    const known = nodeEventReasons.map((reason) => {
      const about = { name: 'n', uid: 'u' };
      const { type } = nodeEvent(about, { run: 'r', fence: 1 }, { reason, message: '', at });
      return { reason, type };
    });
    expect(rows).toEqual(known);
  });
});

describe('gates', () => {
  it('explain every note of a report, and no other', () => {
    const notes = captured(section('docs/gates.md', '## Notes'), /^- `(\w+)`/gmu);
    expect(sorted(notes)).toEqual(sorted(noteKinds));
  });
});

describe('reports', () => {
  it('explain every action of the audit log, and no other', () => {
    const actions = rowsOf(section('docs/reports.md', '## Audit log'));
    expect(sorted(actions)).toEqual(sorted(auditActions));
  });
});

describe('functions', () => {
  let functions: readonly FunctionInfo[];
  beforeAll(async () => {
    const ports = portsFromEnvironment({ environment: { REBOOT_REPORTS_DIR: root } });
    const host = await createHost({
      load: async () => registerFunctions(ports),
      hostJson: JSON.parse(read('host.json')) as unknown,
      settings: { TASKHUB_NAME: 'docs' },
      store: ':memory:',
      clock: virtualClock(0),
      timers: false,
    });
    functions = host.functions();
    await host.stop();
  });
  const named = (kind: FunctionInfo['kind']) =>
    sorted(functions.filter((one) => one.kind === kind).map(({ name }) => name));

  it('are all the endpoints of the HTTP API, in the table and as headings', () => {
    const endpoints = functions.flatMap((one) =>
      one.kind === 'http' ? one.methods.map((method) => `${method} /api/${one.route}`) : [],
    );
    const page = read('docs/http-api.md');
    const headings = captured(page, /^## `([A-Z]+ [^`]+)`$/gmu);
    expect(sorted(headings)).toEqual(sorted(endpoints));
    const rows = [...page.matchAll(/^\| `([A-Z]+ [^`]+)`\s+\| `([A-Za-z]+)`/gmu)];
    expect(sorted(rows.map(([, endpoint = '']) => endpoint))).toEqual(sorted(endpoints));
    expect(sorted(rows.map(([, , name = '']) => name))).toEqual(named('http'));
  });

  it('each have what their key opens explained', () => {
    const rows = rowsOf(section('docs/security.md', '## The HTTP API'));
    expect(sorted(rows)).toEqual(named('http'));
  });

  it('are all the orchestrators of the architecture', () => {
    const rows = rowsOf(section('docs/architecture.md', '### Orchestrators'));
    expect(sorted(rows)).toEqual(named('orchestration'));
  });

  it('are all the activities of the architecture', () => {
    const rows = rowsOf(section('docs/architecture.md', '### Activities'));
    expect(sorted(rows)).toEqual(named('activity'));
  });
});

describe('the state machine', () => {
  it('is drawn edge by edge as the code has it', () => {
    const drawing = section('docs/architecture.md', '## The state machine of a node');
    const drawn = [...drawing.matchAll(/^ +(\w+) --> (\w+): (\w+)$/gmu)].map(
      ([, from, to, by]) => `${from} --> ${to}: ${by}`,
    );
    expect(sorted(drawn)).toEqual(sorted(edgesOf(read('src/workflow/node.ts'))));
    expect(drawn.length).toBe(new Set(drawn).size);
  });

  it('begins where a turn and a recovery begin', () => {
    const drawing = section('docs/architecture.md', '## The state machine of a node');
    const starts = captured(drawing, /^ +\[\*\] --> (\w+)$/gmu);
    const begun = ['cluster', 'turns'].flatMap((name) =>
      captured(read(`src/workflow/${name}.ts`), /\bstate: \{ step: '(\w+)' \}/gu),
    );
    expect(sorted(starts)).toEqual(sorted(begun));
  });

  /** From the dispatch in `advance`, and the states that each function's body can return. */
  function edgesOf(code: string): string[] {
    const functions = new Map(
      code.split(/^(?:export )?(?=function)/mu).flatMap((text) => {
        const name = /^function\*? (\w+)/u.exec(text)?.[1];
        return name === undefined ? [] : [[name, text] as const];
      }),
    );
    const bodyOf = (name: string) => functions.get(name) ?? '';
    const statesIn = (text: string) =>
      captured(text, /\bstep: ([^,}\n]+)/gu).flatMap((value) => captured(value, /'(\w+)'/gu));
    const dispatch = [...bodyOf('advance').matchAll(/case '(\w+)':\s+return (\w+)\(/gu)];
    expect(dispatch.length).toBeGreaterThan(5);
    return dispatch.flatMap(([, from = '', by = '']) => {
      const body = bodyOf(by);
      const targets = [
        ...statesIn(body),
        ...(body.includes('giveUp(') ? statesIn(bodyOf('giveUp')) : []),
        ...(/return work;/u.test(body) ? [from] : []),
      ];
      return targets.map((to) => `${from} --> ${to}: ${by}`);
    });
  }
});

describe('the command line', () => {
  const help = async (command: string) => {
    const run = promisify(execFile);
    const words = [join(root, 'cli/main.ts'), ...command.split(' '), '--help'];
    const { stdout } = await run(process.execPath, words);
    const named = captured(stdout, /^ {2}(?:-\w, )?(--[a-z-]+)/gmu);
    return sorted(named.filter((flag) => flag !== '--help'));
  };
  const declared = [...read('cli/main.ts').matchAll(/(\w+)\s+\.command\('([\w-]+)'\)/gu)].map(
    ([, owner = '', name = '']) => (owner === 'program' ? name : `${owner} ${name}`),
  );
  const commands = declared.filter((name) => !declared.some((one) => one.startsWith(`${name} `)));
  const flags = new Map<string, string[]>();
  beforeAll(async () => {
    const found = await Promise.all(commands.map(help));
    for (const [index, command] of commands.entries()) flags.set(command, found[index] ?? []);
  });

  it('has every command explained, and no other', () => {
    expect(sorted(captured(read('docs/cli.md'), /^\| `([a-z]+(?: [a-z-]+)*)`/gmu))).toEqual(
      sorted(commands),
    );
  });

  it('has every flag of every command explained, and no other', () => {
    for (const command of commands) {
      const rows = rowsOf(section('docs/cli.md', `## \`aks-reboot ${command}\``));
      const explained = sorted(rows.map((row) => row.split(' ')[0] ?? ''));
      expect({ command, flags: explained }).toEqual({ command, flags: flags.get(command) });
    }
  });

  it('takes what the examples give it', () => {
    const unknown = pages.flatMap((page) =>
      commands.flatMap((command) =>
        [...read(page).matchAll(new RegExp(`aks-reboot ${command}\\b([^\\n\`#]*)`, 'gu'))].flatMap(
          ([, rest = '']) =>
            captured(rest, /(--[a-z-]+)/gu)
              .filter((flag) => !flags.get(command)?.includes(flag))
              .map((flag) => `${page}: ${command} ${flag}`),
        ),
      ),
    );
    expect(unknown).toEqual([]);
  });
});

describe('links and names', () => {
  const withoutCode = (text: string) => text.replaceAll(/^```[\s\S]*?^```$/gmu, '');

  /** The anchors of a page, as GitHub makes them. */
  function anchorsOf(page: string): string[] {
    const text = withoutCode(read(page));
    const seen = new Map<string, number>();
    const headings = captured(text, /^#+ (.+)$/gmu).map((heading) => {
      const words = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/gu, '$1').toLowerCase();
      const slug = words.replaceAll(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-');
      const times = seen.get(slug) ?? 0;
      seen.set(slug, times + 1);
      return times === 0 ? slug : `${slug}-${times}`;
    });
    return [...headings, ...captured(text, /<a id="([^"]+)">/gu)];
  }

  /** What a pattern captures on any page and is found wanting, with its page. */
  const wanting = (
    pattern: RegExp,
    isWanting: (found: string, page: string) => boolean,
    textOf = read,
  ) =>
    pages.flatMap((page) =>
      captured(textOf(page), pattern)
        .filter((found) => isWanting(found, page))
        .map((found) => `${page}: ${found}`),
    );

  it('has no dead relative link', () => {
    const isDead = (link: string, page: string) => {
      if (/^[a-z]+:/u.test(link)) return false;
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? page : normalize(join(dirname(page), path));
      if (!existsSync(join(root, target))) return true;
      return anchor !== undefined && !anchorsOf(target).includes(anchor);
    };
    const dead = wanting(/\]\(([^)\s]+)\)/gu, isDead, (page) => withoutCode(read(page)));
    expect(dead).toEqual([]);
  });

  it('names no file that does not exist', () => {
    const place = /^(?:src|functions|local|cli|test|docs|bench|infra)\/[\w./-]*$/u;
    const missing = wanting(
      /`([^`\n]+)`/gu,
      (name) => place.test(name) && !existsSync(join(root, name)),
    );
    expect(missing).toEqual([]);
  });

  it('names no script that package.json has not', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const unknown = wanting(/npm run (?:--silent )?([a-z:-]+)/gu, (name) => !(name in scripts));
    expect(unknown).toEqual([]);
  });
});
