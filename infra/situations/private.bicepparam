// A private cluster: calls go out through its network, the storage account and the app have private
// endpoints only, and the DNS zones are the company's.
using '../main.bicep'

var hub = '/subscriptions/00000000-0000-0000-0000-000000000009/resourceGroups/hub/providers/Microsoft.Network'
var spoke = '/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/spoke/providers/Microsoft.Network/virtualNetworks/spoke'

param name = 'reboot-private'
param location = 'northeurope'
param settings = {
  controller: 'reboot-private'
  clusters: [
    {
      id: '/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/bank/providers/Microsoft.ContainerService/managedClusters/bank'
    }
  ]
}
param appNetwork = {
  kind: 'private'
  appSubnetId: '${spoke}/subnets/reboot'
  endpointSubnetId: '${spoke}/subnets/endpoints'
  dnsZoneIds: {
    blob: '${hub}/privateDnsZones/privatelink.blob.core.windows.net'
    queue: '${hub}/privateDnsZones/privatelink.queue.core.windows.net'
    table: '${hub}/privateDnsZones/privatelink.table.core.windows.net'
    sites: '${hub}/privateDnsZones/privatelink.azurewebsites.net'
  }
  privateApp: true
}
