import { execFileSync } from 'node:child_process';
import { resumeCommand } from '../../cli/errand.ts';

/** The words that a shell makes of it. */
const wordsOf = (command: string) =>
  execFileSync('sh', ['-c', `for word in ${command}; do printf '%s\\n' "$word"; done`], {
    encoding: 'utf8',
  })
    .trimEnd()
    .split('\n');

describe('the command that goes on with unfinished runs', () => {
  it('names the clusters, without which nothing can be gone on with', () => {
    const command = resumeCommand({ cluster: ['/subscriptions/a', '/subscriptions/b'] }, '/state');
    expect(command).toBe(
      'aks-reboot run --resume --state /state --cluster /subscriptions/a --cluster /subscriptions/b',
    );
  });

  it('names the settings, and survives a shell', () => {
    const command = resumeCommand({ settings: "it's $HOME.json", cluster: [] }, '/a dir/x');
    const start = ['aks-reboot', 'run', '--resume', '--state', '/a dir/x'];
    expect(wordsOf(command)).toEqual([...start, '--settings', "it's $HOME.json"]);
  });
});
