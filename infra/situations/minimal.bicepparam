// One cluster, everything else as it is by itself.
using '../main.bicep'

param name = 'reboot'
param location = 'westeurope'
param settings = {
  controller: 'reboot'
  scheduledRuns: 'dryRun'
  clusters: [
    {
      id: '/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/shop/providers/Microsoft.ContainerService/managedClusters/shop'
    }
  ]
}
