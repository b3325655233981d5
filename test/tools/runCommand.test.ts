import { describeCommandRuns } from '../support/commandRuns.ts';

/** Private clusters, whose commands the real sh, kubectl and jq run. */
describeCommandRuns({ commands: 'shell', deaths: ['an eviction', 'the boot'] });
