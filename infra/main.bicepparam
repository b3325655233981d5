// What `azd up` deploys, and a start for a file of your own. azd asks for the region; set the rest by
// azd env set AKS_CLUSTER_IDS '/subscriptions/…/managedClusters/one,/subscriptions/…/managedClusters/two'
using 'main.bicep'

param name = readEnvironmentVariable('AZURE_ENV_NAME', 'aks-reboot')
param location = readEnvironmentVariable('AZURE_LOCATION', 'westeurope')

// Scheduled runs only say what they would do, until this says 'reboot'.
param settings = {
  controller: readEnvironmentVariable('AZURE_ENV_NAME', 'aks-reboot')
  scheduledRuns: readEnvironmentVariable('REBOOT_SCHEDULED_RUNS', 'dryRun') == 'reboot' ? 'reboot' : 'dryRun'
  clusters: map(split(readEnvironmentVariable('AKS_CLUSTER_IDS'), ','), id => { id: trim(id) })
}
