// The history in a Durable Task Scheduler; the package has to be built for it.
using '../main.bicep'

param name = 'reboot-dts'
param location = 'swedencentral'
param settings = {
  controller: 'reboot-dts'
  clusters: [
    {
      id: '/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/shop/providers/Microsoft.ContainerService/managedClusters/shop'
    }
  ]
}
param durableBackend = {
  kind: 'durableTaskScheduler'
  sku: 'Dedicated'
  capacity: 1
}
