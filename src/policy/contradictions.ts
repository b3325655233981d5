import type { Relation } from './problem.ts';
import type { Policy } from './settings.ts';

/** Settings that are right one by one and not together: by their names, what to change. */
export function contradictions(policy: Policy): Relation[] {
  const problems: Relation[] = [];
  const say = (name: keyof Policy, problem: string) => problems.push({ path: [name], problem });
  const { prometheusUrl: url, prometheusAuth, prometheusAllowHttp } = policy;
  const asks = policy.prometheusQueries.length > 0 || policy.prometheusAlerts !== 'off';
  if (asks && url === '')
    say('prometheusUrl', 'is missing: prometheusQueries and prometheusAlerts need it');
  const both = policy.sentinelRequiredCodes.find((code) =>
    policy.sentinelNotRequiredCodes.includes(code),
  );
  if (both !== undefined) {
    say('sentinelNotRequiredCodes', `has ${both}, which sentinelRequiredCodes has as well`);
  }
  if (!/^http:/iu.test(url)) return problems;
  if (prometheusAuth === 'entra') {
    say('prometheusUrl', 'has to begin with https: where prometheusAuth is "entra"');
  } else if (!prometheusAllowHttp) {
    say('prometheusUrl', 'has to begin with https:, or prometheusAllowHttp has to be true');
  }
  return problems;
}
