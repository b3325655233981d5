// Clusters in two subscriptions; who deploys this has to be able to assign roles in both. Private
// clusters without a network path are reached by AKS run-command.
using '../main.bicep'

param name = 'reboot-fleet'
param location = 'westeurope'
param settings = {
  controller: 'reboot-fleet'
  defaults: {
    windows: [
      { days: ['mon', 'tue', 'wed', 'thu'], start: '22:00', durationMinutes: 360, timeZone: 'Europe/Berlin' }
    ]
  }
  clusters: [
    {
      id: '/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/shop/providers/Microsoft.ContainerService/managedClusters/shop'
    }
    {
      id: '/subscriptions/00000000-0000-0000-0000-000000000002/resourceGroups/bank/providers/Microsoft.ContainerService/managedClusters/bank'
      pools: { gpu: { drainTimeoutMinutes: 120 } }
    }
    {
      id: '/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/shop/providers/Microsoft.ContainerService/managedClusters/shop-staging'
    }
  ]
}
param features = ['aksRunCommand']
