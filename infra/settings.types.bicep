// Written by `npm run docs` from the schema in src/policy/settings.ts.
// docs/settings.md explains each setting.

@export()
@description('The settings document.')
@sealed()
type settingsDocument = {
  '$schema': string?
  @description('Stable name of this installation; its claims and marks carry it.')
  controller: string
  @description('Keep the claim on a cluster between runs, or release it when nothing is left open.')
  claim: ('keep' | 'release')?
  @description('Nodes of all clusters out of service at once; 500 is no limit.')
  @minValue(1)
  @maxValue(500)
  fleetConcurrency: int?
  @description('Rings of clusters, in the order in which a run goes through them.')
  @maxLength(20)
  rings: string[]?
  @description('Outcomes in a ring after which nothing is begun in the rings after it.')
  ringStopsOn: ('rebooted' | 'notNeeded' | 'gone' | 'replaced' | 'deferred' | 'skipped' | 'canceled' | 'unknown' | 'undrainable' | 'notRebooted' | 'notReady' | 'stillRequired' | 'failed')[]?
  @description('What the timer starts: runs that reboot, or runs that only say what they would do.')
  scheduledRuns: ('reboot' | 'dryRun')?
  @description('How long reports are kept.')
  @minValue(1)
  @maxValue(3650)
  keepRunsDays: int?
  @description('What holds for every cluster.')
  @sealed()
  defaults: {
    @description('Nodes of a cluster out of service at once.')
    @minValue(1)
    @maxValue(50)
    concurrency: int?
    @description('After so many failed nodes a run begins no other node of the cluster.')
    @minValue(1)
    @maxValue(1000)
    stopAfterFailures: int?
    @description('Pools whose nodes come first, in this order; system pools come last otherwise.')
    poolOrder: string[]?
    @description('Its ring, one of `rings`; clusters that name none come after all rings.')
    ring: string?
    @description('How the API server is reached: over HTTPS, by AKS run command, or by the latter where the former has no way.')
    access: ('auto' | 'api' | 'runCommand')?
    @description('Only these pools; none means all.')
    includePools: string[]?
    @description('Pools that are left alone.')
    excludePools: string[]?
    @description('When kured runs in the cluster: begin nothing, or reboot nodes beside it.')
    kured: ('refuse' | 'ignore')?
    @description('Probes in flight in a subscription, shared by the clusters that run at once.')
    @minValue(1)
    @maxValue(20)
    probeConcurrency: int?
    @description('When nodes may be taken out of service; none means always.')
    @maxLength(20)
    #disable-next-line no-explicit-any
    windows: any[]?
    @description('Days on which no window opens, and none stays open.')
    @maxLength(100)
    #disable-next-line no-explicit-any
    excludedDates: any[]?
    @description('IANA zone of windows and excluded dates that name none.')
    timeZone: string?
    @description('Nodes that are left alone.')
    excludeNodes: string[]?
    @description('Label selectors: only nodes that one of them selects; none means all.')
    @maxLength(50)
    includeLabels: string[]?
    @description('Label selectors: nodes that one of them selects stay.')
    @maxLength(50)
    excludeLabels: string[]?
    @description('Only nodes with one of these taints; none means all.')
    @maxLength(50)
    includeTaints: string[]?
    @description('Nodes with one of these taints are left alone.')
    @maxLength(50)
    excludeTaints: string[]?
    @description('Spot nodes: Azure may evict them at any time.')
    spot: ('reboot' | 'skip')?
    @description('Nodes of gateway pools: a restart interrupts static egress.')
    gateway: ('skip' | 'reboot')?
    @description('Nodes of the pool out of service at once; `concurrency` counts as well.')
    @minValue(1)
    @maxValue(50)
    maxUnavailable: int?
    @description('Nodes that a person cordoned: leave them alone, or reboot and leave cordoned.')
    cordonedByPerson: ('skip' | 'reboot')?
    @description('The file on the node that says a reboot is due.')
    sentinelPath: string?
    @description('Instead of the file: a shell command whose exit code says so. Runs as root.')
    @maxLength(4000)
    sentinelCommand: string?
    @description('Exit codes that mean: a reboot is due.')
    @minLength(1)
    @maxLength(50)
    sentinelRequiredCodes: int[]?
    @description('Exit codes that mean: none is. Others: unknown.')
    @minLength(1)
    @maxLength(50)
    sentinelNotRequiredCodes: int[]?
    @description('No reboot before the need is that old, by what wrote the file last.')
    @minValue(0)
    @maxValue(8760)
    minNeedAgeHours: int?
    @description('How long a probe answer serves.')
    @minValue(0)
    @maxValue(168)
    probeMaxAgeHours: int?
    @description('The probe script\'s own timeout.')
    @minValue(5)
    @maxValue(600)
    probeTimeoutSeconds: int?
    @description('Between two looks at anything that takes time.')
    @minValue(5)
    @maxValue(300)
    pollSeconds: int?
    @description('From the cordon: a drain may take so long.')
    @minValue(1)
    @maxValue(1440)
    drainTimeoutMinutes: int?
    @description('After that: undo it and go on with other nodes, or begin no other in this run, or restart the node with the pods that are left on it.')
    atDrainDeadline: ('setAside' | 'stop' | 'restart')?
    @description('From the cordon: pods are deleted instead of evicted, whatever disruption budgets say; -1 never.')
    @minValue(-1)
    @maxValue(1440)
    deleteAfterMinutes: int?
    @description('Seconds a pod gets to end; -1 leaves the pod\'s own.')
    @minValue(-1)
    @maxValue(3600)
    gracePeriodSeconds: int?
    @description('Pods whose grace period ended longer ago are not waited for; 0 waits for all.')
    @minValue(0)
    @maxValue(86400)
    skipWaitForDeleteSeconds: int?
    @description('Drain only the pods that this label selector selects; the others stay.')
    @maxLength(1000)
    podSelector: string?
    @description('Evictions that may be accepted in one slice of a drain, every 5 seconds or so.')
    @minValue(1)
    @maxValue(250)
    parallelEvictions: int?
    @description('Evict pods with emptyDir volumes; their data is lost.')
    deleteEmptyDirData: bool?
    @description('Evict pods that no controller re-creates.')
    evictUnmanaged: bool?
    @description('Other Ready nodes of the pool that have to take pods; 0 allows single-node pools.')
    @minValue(0)
    @maxValue(1000)
    minReadyInPool: int?
    @description('Other Ready nodes of the pool in the node\'s zone that have to take pods.')
    @minValue(0)
    @maxValue(1000)
    minReadyInZone: int?
    @description('Who restarts nodes: Azure, or they themselves, asked by run-command.')
    restartMethod: ('arm' | 'guest')?
    @description('From the restart asked for to a new boot id. Azure itself may wait 15 minutes.')
    @minValue(30)
    @maxValue(240)
    bootTimeoutMinutes: int?
    @description('How long a booted node has to stay Ready.')
    @minValue(0)
    @maxValue(3600)
    readyForSeconds: int?
    @description('From the new boot to everything proved.')
    @minValue(1)
    @maxValue(240)
    readyTimeoutMinutes: int?
    @description('Pause after a node before the next one.')
    @minValue(0)
    @maxValue(86400)
    soakSeconds: int?
    @description('Loop guard: no second reboot of a node before that.')
    @minValue(0)
    @maxValue(365)
    minDaysBetweenReboots: int?
    @description('What a drain usually takes; judges whether a node still fits into the window.')
    @minValue(0)
    @maxValue(1440)
    expectedDrainMinutes: int?
    @description('What restart and proof usually take; judges the fit as well.')
    @minValue(0)
    @maxValue(240)
    expectedRestartMinutes: int?
    @description('What a node is expected to take: what earlier ones of its pool took (`history`, once there are five), what the two settings above say, or the longer of both.')
    fitBy: ('longer' | 'history' | 'settings')?
    @description('So many percent of the earlier nodes took no longer than what is expected.')
    @minValue(50)
    @maxValue(100)
    fitPercentile: int?
    @description('Pods that block while they run.')
    @maxLength(50)
    blockingPods: {
      @description('Label selector.')
      @maxLength(1000)
      selector: string
      @description('Only in this namespace; empty means all.')
      @maxLength(63)
      namespace: string?
      @description('Such a pod blocks the node it is on, or every node of the cluster.')
      where: ('node' | 'cluster')?
    }[]?
    @description('Where Prometheus answers; what stands before /api/v1.')
    @maxLength(1000)
    prometheusUrl: string?
    @description('`entra`: a token for Azure Monitor workspaces (managed Prometheus).')
    prometheusAuth: ('none' | 'entra')?
    @description('Take an answer that anybody between here and there may have changed.')
    prometheusAllowHttp: bool?
    @description('Queries whose answers may block.')
    @maxLength(50)
    prometheusQueries: {
      @description('What reasons call it.')
      @minLength(1)
      @maxLength(100)
      name: string
      @description('PromQL, asked as an instant query.')
      @minLength(1)
      @maxLength(10000)
      query: string
      @description('Any series in the answer blocks, or only one whose value is not 0.')
      blocksOn: ('any' | 'nonZero')?
    }[]?
    @description('Whether alerts of Prometheus block, and which.')
    prometheusAlerts: ('off' | 'firing' | 'firingOrPending')?
    @description('Only alerts with such a name block; empty means all.')
    @maxLength(1000)
    prometheusAlertsOnly: string?
    @description('Alerts with such a name do not block.')
    @maxLength(1000)
    prometheusAlertsExcept: string?
    @description('Whether alerts of Azure Monitor on the cluster and its node group block.')
    azureAlerts: ('off' | 'fired')?
    @description('ARM ids of resources and resource groups whose alerts block as well.')
    @maxLength(20)
    azureAlertTargets: string[]?
    @description('Severities that block.')
    @minLength(1)
    azureAlertSeverities: ('Sev0' | 'Sev1' | 'Sev2' | 'Sev3' | 'Sev4')[]?
    @description('Only alerts with such a name block; empty means all.')
    @maxLength(1000)
    azureAlertsOnly: string?
    @description('Alerts with such a name do not block.')
    @maxLength(1000)
    azureAlertsExcept: string?
    @description('Whether a person has to approve a run, or each node, before it is cordoned.')
    approval: ('off' | 'perRun' | 'perNode')?
    @description('How long a run waits for that; what nobody approved is left for a later run.')
    @minValue(1)
    @maxValue(10080)
    approvalTimeoutMinutes: int?
  }?
  @description('The clusters to look after, with what differs from the defaults.')
  @minLength(1)
  @maxLength(1000)
  clusters: {
    @description('Nodes of a cluster out of service at once.')
    @minValue(1)
    @maxValue(50)
    concurrency: int?
    @description('After so many failed nodes a run begins no other node of the cluster.')
    @minValue(1)
    @maxValue(1000)
    stopAfterFailures: int?
    @description('Pools whose nodes come first, in this order; system pools come last otherwise.')
    poolOrder: string[]?
    @description('Its ring, one of `rings`; clusters that name none come after all rings.')
    ring: string?
    @description('How the API server is reached: over HTTPS, by AKS run command, or by the latter where the former has no way.')
    access: ('auto' | 'api' | 'runCommand')?
    @description('Only these pools; none means all.')
    includePools: string[]?
    @description('Pools that are left alone.')
    excludePools: string[]?
    @description('When kured runs in the cluster: begin nothing, or reboot nodes beside it.')
    kured: ('refuse' | 'ignore')?
    @description('Probes in flight in a subscription, shared by the clusters that run at once.')
    @minValue(1)
    @maxValue(20)
    probeConcurrency: int?
    @description('When nodes may be taken out of service; none means always.')
    @maxLength(20)
    #disable-next-line no-explicit-any
    windows: any[]?
    @description('Days on which no window opens, and none stays open.')
    @maxLength(100)
    #disable-next-line no-explicit-any
    excludedDates: any[]?
    @description('IANA zone of windows and excluded dates that name none.')
    timeZone: string?
    @description('Nodes that are left alone.')
    excludeNodes: string[]?
    @description('Label selectors: only nodes that one of them selects; none means all.')
    @maxLength(50)
    includeLabels: string[]?
    @description('Label selectors: nodes that one of them selects stay.')
    @maxLength(50)
    excludeLabels: string[]?
    @description('Only nodes with one of these taints; none means all.')
    @maxLength(50)
    includeTaints: string[]?
    @description('Nodes with one of these taints are left alone.')
    @maxLength(50)
    excludeTaints: string[]?
    @description('Spot nodes: Azure may evict them at any time.')
    spot: ('reboot' | 'skip')?
    @description('Nodes of gateway pools: a restart interrupts static egress.')
    gateway: ('skip' | 'reboot')?
    @description('Nodes of the pool out of service at once; `concurrency` counts as well.')
    @minValue(1)
    @maxValue(50)
    maxUnavailable: int?
    @description('Nodes that a person cordoned: leave them alone, or reboot and leave cordoned.')
    cordonedByPerson: ('skip' | 'reboot')?
    @description('The file on the node that says a reboot is due.')
    sentinelPath: string?
    @description('Instead of the file: a shell command whose exit code says so. Runs as root.')
    @maxLength(4000)
    sentinelCommand: string?
    @description('Exit codes that mean: a reboot is due.')
    @minLength(1)
    @maxLength(50)
    sentinelRequiredCodes: int[]?
    @description('Exit codes that mean: none is. Others: unknown.')
    @minLength(1)
    @maxLength(50)
    sentinelNotRequiredCodes: int[]?
    @description('No reboot before the need is that old, by what wrote the file last.')
    @minValue(0)
    @maxValue(8760)
    minNeedAgeHours: int?
    @description('How long a probe answer serves.')
    @minValue(0)
    @maxValue(168)
    probeMaxAgeHours: int?
    @description('The probe script\'s own timeout.')
    @minValue(5)
    @maxValue(600)
    probeTimeoutSeconds: int?
    @description('Between two looks at anything that takes time.')
    @minValue(5)
    @maxValue(300)
    pollSeconds: int?
    @description('From the cordon: a drain may take so long.')
    @minValue(1)
    @maxValue(1440)
    drainTimeoutMinutes: int?
    @description('After that: undo it and go on with other nodes, or begin no other in this run, or restart the node with the pods that are left on it.')
    atDrainDeadline: ('setAside' | 'stop' | 'restart')?
    @description('From the cordon: pods are deleted instead of evicted, whatever disruption budgets say; -1 never.')
    @minValue(-1)
    @maxValue(1440)
    deleteAfterMinutes: int?
    @description('Seconds a pod gets to end; -1 leaves the pod\'s own.')
    @minValue(-1)
    @maxValue(3600)
    gracePeriodSeconds: int?
    @description('Pods whose grace period ended longer ago are not waited for; 0 waits for all.')
    @minValue(0)
    @maxValue(86400)
    skipWaitForDeleteSeconds: int?
    @description('Drain only the pods that this label selector selects; the others stay.')
    @maxLength(1000)
    podSelector: string?
    @description('Evictions that may be accepted in one slice of a drain, every 5 seconds or so.')
    @minValue(1)
    @maxValue(250)
    parallelEvictions: int?
    @description('Evict pods with emptyDir volumes; their data is lost.')
    deleteEmptyDirData: bool?
    @description('Evict pods that no controller re-creates.')
    evictUnmanaged: bool?
    @description('Other Ready nodes of the pool that have to take pods; 0 allows single-node pools.')
    @minValue(0)
    @maxValue(1000)
    minReadyInPool: int?
    @description('Other Ready nodes of the pool in the node\'s zone that have to take pods.')
    @minValue(0)
    @maxValue(1000)
    minReadyInZone: int?
    @description('Who restarts nodes: Azure, or they themselves, asked by run-command.')
    restartMethod: ('arm' | 'guest')?
    @description('From the restart asked for to a new boot id. Azure itself may wait 15 minutes.')
    @minValue(30)
    @maxValue(240)
    bootTimeoutMinutes: int?
    @description('How long a booted node has to stay Ready.')
    @minValue(0)
    @maxValue(3600)
    readyForSeconds: int?
    @description('From the new boot to everything proved.')
    @minValue(1)
    @maxValue(240)
    readyTimeoutMinutes: int?
    @description('Pause after a node before the next one.')
    @minValue(0)
    @maxValue(86400)
    soakSeconds: int?
    @description('Loop guard: no second reboot of a node before that.')
    @minValue(0)
    @maxValue(365)
    minDaysBetweenReboots: int?
    @description('What a drain usually takes; judges whether a node still fits into the window.')
    @minValue(0)
    @maxValue(1440)
    expectedDrainMinutes: int?
    @description('What restart and proof usually take; judges the fit as well.')
    @minValue(0)
    @maxValue(240)
    expectedRestartMinutes: int?
    @description('What a node is expected to take: what earlier ones of its pool took (`history`, once there are five), what the two settings above say, or the longer of both.')
    fitBy: ('longer' | 'history' | 'settings')?
    @description('So many percent of the earlier nodes took no longer than what is expected.')
    @minValue(50)
    @maxValue(100)
    fitPercentile: int?
    @description('Pods that block while they run.')
    @maxLength(50)
    blockingPods: {
      @description('Label selector.')
      @maxLength(1000)
      selector: string
      @description('Only in this namespace; empty means all.')
      @maxLength(63)
      namespace: string?
      @description('Such a pod blocks the node it is on, or every node of the cluster.')
      where: ('node' | 'cluster')?
    }[]?
    @description('Where Prometheus answers; what stands before /api/v1.')
    @maxLength(1000)
    prometheusUrl: string?
    @description('`entra`: a token for Azure Monitor workspaces (managed Prometheus).')
    prometheusAuth: ('none' | 'entra')?
    @description('Take an answer that anybody between here and there may have changed.')
    prometheusAllowHttp: bool?
    @description('Queries whose answers may block.')
    @maxLength(50)
    prometheusQueries: {
      @description('What reasons call it.')
      @minLength(1)
      @maxLength(100)
      name: string
      @description('PromQL, asked as an instant query.')
      @minLength(1)
      @maxLength(10000)
      query: string
      @description('Any series in the answer blocks, or only one whose value is not 0.')
      blocksOn: ('any' | 'nonZero')?
    }[]?
    @description('Whether alerts of Prometheus block, and which.')
    prometheusAlerts: ('off' | 'firing' | 'firingOrPending')?
    @description('Only alerts with such a name block; empty means all.')
    @maxLength(1000)
    prometheusAlertsOnly: string?
    @description('Alerts with such a name do not block.')
    @maxLength(1000)
    prometheusAlertsExcept: string?
    @description('Whether alerts of Azure Monitor on the cluster and its node group block.')
    azureAlerts: ('off' | 'fired')?
    @description('ARM ids of resources and resource groups whose alerts block as well.')
    @maxLength(20)
    azureAlertTargets: string[]?
    @description('Severities that block.')
    @minLength(1)
    azureAlertSeverities: ('Sev0' | 'Sev1' | 'Sev2' | 'Sev3' | 'Sev4')[]?
    @description('Only alerts with such a name block; empty means all.')
    @maxLength(1000)
    azureAlertsOnly: string?
    @description('Alerts with such a name do not block.')
    @maxLength(1000)
    azureAlertsExcept: string?
    @description('Whether a person has to approve a run, or each node, before it is cordoned.')
    approval: ('off' | 'perRun' | 'perNode')?
    @description('How long a run waits for that; what nobody approved is left for a later run.')
    @minValue(1)
    @maxValue(10080)
    approvalTimeoutMinutes: int?
    @description('The cluster\'s ARM id.')
    id: string
    @description('By pool name, what differs from the cluster\'s settings.')
    pools: {
      @sealed()
      *: {
        @description('When nodes may be taken out of service; none means always.')
        @maxLength(20)
        #disable-next-line no-explicit-any
        windows: any[]?
        @description('Days on which no window opens, and none stays open.')
        @maxLength(100)
        #disable-next-line no-explicit-any
        excludedDates: any[]?
        @description('IANA zone of windows and excluded dates that name none.')
        timeZone: string?
        @description('Nodes that are left alone.')
        excludeNodes: string[]?
        @description('Label selectors: only nodes that one of them selects; none means all.')
        @maxLength(50)
        includeLabels: string[]?
        @description('Label selectors: nodes that one of them selects stay.')
        @maxLength(50)
        excludeLabels: string[]?
        @description('Only nodes with one of these taints; none means all.')
        @maxLength(50)
        includeTaints: string[]?
        @description('Nodes with one of these taints are left alone.')
        @maxLength(50)
        excludeTaints: string[]?
        @description('Spot nodes: Azure may evict them at any time.')
        spot: ('reboot' | 'skip')?
        @description('Nodes of gateway pools: a restart interrupts static egress.')
        gateway: ('skip' | 'reboot')?
        @description('Nodes of the pool out of service at once; `concurrency` counts as well.')
        @minValue(1)
        @maxValue(50)
        maxUnavailable: int?
        @description('Nodes that a person cordoned: leave them alone, or reboot and leave cordoned.')
        cordonedByPerson: ('skip' | 'reboot')?
        @description('The file on the node that says a reboot is due.')
        sentinelPath: string?
        @description('Instead of the file: a shell command whose exit code says so. Runs as root.')
        @maxLength(4000)
        sentinelCommand: string?
        @description('Exit codes that mean: a reboot is due.')
        @minLength(1)
        @maxLength(50)
        sentinelRequiredCodes: int[]?
        @description('Exit codes that mean: none is. Others: unknown.')
        @minLength(1)
        @maxLength(50)
        sentinelNotRequiredCodes: int[]?
        @description('No reboot before the need is that old, by what wrote the file last.')
        @minValue(0)
        @maxValue(8760)
        minNeedAgeHours: int?
        @description('How long a probe answer serves.')
        @minValue(0)
        @maxValue(168)
        probeMaxAgeHours: int?
        @description('The probe script\'s own timeout.')
        @minValue(5)
        @maxValue(600)
        probeTimeoutSeconds: int?
        @description('Between two looks at anything that takes time.')
        @minValue(5)
        @maxValue(300)
        pollSeconds: int?
        @description('From the cordon: a drain may take so long.')
        @minValue(1)
        @maxValue(1440)
        drainTimeoutMinutes: int?
        @description('After that: undo it and go on with other nodes, or begin no other in this run, or restart the node with the pods that are left on it.')
        atDrainDeadline: ('setAside' | 'stop' | 'restart')?
        @description('From the cordon: pods are deleted instead of evicted, whatever disruption budgets say; -1 never.')
        @minValue(-1)
        @maxValue(1440)
        deleteAfterMinutes: int?
        @description('Seconds a pod gets to end; -1 leaves the pod\'s own.')
        @minValue(-1)
        @maxValue(3600)
        gracePeriodSeconds: int?
        @description('Pods whose grace period ended longer ago are not waited for; 0 waits for all.')
        @minValue(0)
        @maxValue(86400)
        skipWaitForDeleteSeconds: int?
        @description('Drain only the pods that this label selector selects; the others stay.')
        @maxLength(1000)
        podSelector: string?
        @description('Evictions that may be accepted in one slice of a drain, every 5 seconds or so.')
        @minValue(1)
        @maxValue(250)
        parallelEvictions: int?
        @description('Evict pods with emptyDir volumes; their data is lost.')
        deleteEmptyDirData: bool?
        @description('Evict pods that no controller re-creates.')
        evictUnmanaged: bool?
        @description('Other Ready nodes of the pool that have to take pods; 0 allows single-node pools.')
        @minValue(0)
        @maxValue(1000)
        minReadyInPool: int?
        @description('Other Ready nodes of the pool in the node\'s zone that have to take pods.')
        @minValue(0)
        @maxValue(1000)
        minReadyInZone: int?
        @description('Who restarts nodes: Azure, or they themselves, asked by run-command.')
        restartMethod: ('arm' | 'guest')?
        @description('From the restart asked for to a new boot id. Azure itself may wait 15 minutes.')
        @minValue(30)
        @maxValue(240)
        bootTimeoutMinutes: int?
        @description('How long a booted node has to stay Ready.')
        @minValue(0)
        @maxValue(3600)
        readyForSeconds: int?
        @description('From the new boot to everything proved.')
        @minValue(1)
        @maxValue(240)
        readyTimeoutMinutes: int?
        @description('Pause after a node before the next one.')
        @minValue(0)
        @maxValue(86400)
        soakSeconds: int?
        @description('Loop guard: no second reboot of a node before that.')
        @minValue(0)
        @maxValue(365)
        minDaysBetweenReboots: int?
        @description('What a drain usually takes; judges whether a node still fits into the window.')
        @minValue(0)
        @maxValue(1440)
        expectedDrainMinutes: int?
        @description('What restart and proof usually take; judges the fit as well.')
        @minValue(0)
        @maxValue(240)
        expectedRestartMinutes: int?
        @description('What a node is expected to take: what earlier ones of its pool took (`history`, once there are five), what the two settings above say, or the longer of both.')
        fitBy: ('longer' | 'history' | 'settings')?
        @description('So many percent of the earlier nodes took no longer than what is expected.')
        @minValue(50)
        @maxValue(100)
        fitPercentile: int?
        @description('Pods that block while they run.')
        @maxLength(50)
        blockingPods: {
          @description('Label selector.')
          @maxLength(1000)
          selector: string
          @description('Only in this namespace; empty means all.')
          @maxLength(63)
          namespace: string?
          @description('Such a pod blocks the node it is on, or every node of the cluster.')
          where: ('node' | 'cluster')?
        }[]?
        @description('Where Prometheus answers; what stands before /api/v1.')
        @maxLength(1000)
        prometheusUrl: string?
        @description('`entra`: a token for Azure Monitor workspaces (managed Prometheus).')
        prometheusAuth: ('none' | 'entra')?
        @description('Take an answer that anybody between here and there may have changed.')
        prometheusAllowHttp: bool?
        @description('Queries whose answers may block.')
        @maxLength(50)
        prometheusQueries: {
          @description('What reasons call it.')
          @minLength(1)
          @maxLength(100)
          name: string
          @description('PromQL, asked as an instant query.')
          @minLength(1)
          @maxLength(10000)
          query: string
          @description('Any series in the answer blocks, or only one whose value is not 0.')
          blocksOn: ('any' | 'nonZero')?
        }[]?
        @description('Whether alerts of Prometheus block, and which.')
        prometheusAlerts: ('off' | 'firing' | 'firingOrPending')?
        @description('Only alerts with such a name block; empty means all.')
        @maxLength(1000)
        prometheusAlertsOnly: string?
        @description('Alerts with such a name do not block.')
        @maxLength(1000)
        prometheusAlertsExcept: string?
        @description('Whether alerts of Azure Monitor on the cluster and its node group block.')
        azureAlerts: ('off' | 'fired')?
        @description('ARM ids of resources and resource groups whose alerts block as well.')
        @maxLength(20)
        azureAlertTargets: string[]?
        @description('Severities that block.')
        @minLength(1)
        azureAlertSeverities: ('Sev0' | 'Sev1' | 'Sev2' | 'Sev3' | 'Sev4')[]?
        @description('Only alerts with such a name block; empty means all.')
        @maxLength(1000)
        azureAlertsOnly: string?
        @description('Alerts with such a name do not block.')
        @maxLength(1000)
        azureAlertsExcept: string?
        @description('Whether a person has to approve a run, or each node, before it is cordoned.')
        approval: ('off' | 'perRun' | 'perNode')?
        @description('How long a run waits for that; what nobody approved is left for a later run.')
        @minValue(1)
        @maxValue(10080)
        approvalTimeoutMinutes: int?
      }
    }?
  }[]
}
