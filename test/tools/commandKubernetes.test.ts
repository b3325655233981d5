import { describeKubernetesPort } from '../contract/kubernetesPort.ts';

/** The port by AKS run command, whose scripts are run by the real sh, kubectl and jq. */
describeKubernetesPort({ way: 'runCommand', commands: 'shell' });
