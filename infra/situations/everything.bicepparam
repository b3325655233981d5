// Every parameter, each with another value than it has by itself.
using '../main.bicep'

var network = '/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/spoke/providers/Microsoft.Network/virtualNetworks/spoke'

param name = 'reboot-all'
param location = 'westeurope'
param resourceGroupName = 'reboot-everything'
param settings = {
  controller: 'reboot-all'
  claim: 'release'
  keepRunsDays: 90
  scheduledRuns: 'reboot'
  defaults: { concurrency: 2, soakSeconds: 300 }
  clusters: [
    {
      id: '/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/shop/providers/Microsoft.ContainerService/managedClusters/shop'
      excludePools: ['gpu']
    }
  ]
}
param schedule = '0 30 * * * *'
param durableBackend = { kind: 'azureStorage', partitionCount: 1, queuePollingSeconds: 10 }
param appHosting = {
  nodeVersion: '22'
  instanceMemoryMB: 512
  alwaysReadyInstances: 0
  maximumInstances: 100
}
param appNetwork = {
  kind: 'private'
  appSubnetId: '${network}/subnets/reboot'
  endpointSubnetId: '${network}/subnets/endpoints'
}
param appSignIn = {
  clientId: '00000000-0000-0000-0000-00000000000a'
  allowedApplications: ['00000000-0000-0000-0000-00000000000b']
  allowedPrincipals: ['00000000-0000-0000-0000-00000000000c']
}
param appTelemetry = {
  workspaceId: '/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/logs/providers/Microsoft.OperationalInsights/workspaces/logs'
  auditLogs: false
}
param appAlerts = {
  emails: ['platform@example.com']
  actionGroupIds: [
    '/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/logs/providers/Microsoft.Insights/actionGroups/on-call'
  ]
  hoursWithoutRun: 4
  needOlderThanDays: 30
}
param features = ['aksRunCommand', 'azureAlerts', 'deletePods', 'maintenanceSchedules']
param prometheusWorkspaceIds = [
  '/subscriptions/00000000-0000-0000-0000-000000000002/resourceGroups/metrics/providers/Microsoft.Monitor/accounts/metrics'
]
param clusterAuthorization = 'azure'
param assignRoles = true
param packageUri = 'https://example.com/aks-reboot-orchestrator.zip'
param tags = { team: 'platform' }
