import { describeCommandLimits, describeCommandRuns } from '../support/commandRuns.ts';

/** Private clusters, with a model of what runs commands in them; test/tools has the real kubectl. */

describeCommandRuns({
  commands: 'model',
  deaths: ['the attempt written, the restart not sent'],
});

describeCommandLimits();
