// Private endpoints of the storage account, and of the app if that is wanted.
import { dnsZoneIds as dnsZoneIdsType } from '../types.bicep'

param name string
param location string
param tags { *: string }
param subnetId string
@description('ARM id of the virtual network that has the subnet.')
param networkId string
param dnsZoneIds dnsZoneIdsType?
param storageId string
@description('Empty: the app stays public.')
param siteId string

var zones = {
  blob: 'privatelink.blob.${environment().suffixes.storage}'
  queue: 'privatelink.queue.${environment().suffixes.storage}'
  table: 'privatelink.table.${environment().suffixes.storage}'
}
var siteZone = empty(siteId) ? {} : { sites: 'privatelink.azurewebsites.net' }
var all = items(union(zones, siteZone))

resource newZones 'Microsoft.Network/privateDnsZones@2024-06-01' = [
  for zone in all: if (dnsZoneIds == null) {
    name: zone.value
    location: 'global'
    tags: tags
  }
]

resource links 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [
  for (zone, index) in all: if (dnsZoneIds == null) {
    parent: newZones[index]
    name: name
    location: 'global'
    tags: tags
    properties: { registrationEnabled: false, virtualNetwork: { id: networkId } }
  }
]

resource endpoints 'Microsoft.Network/privateEndpoints@2024-07-01' = [
  for zone in all: {
    name: 'pep-${name}-${zone.key}'
    location: location
    tags: tags
    properties: {
      subnet: { id: subnetId }
      privateLinkServiceConnections: [
        {
          name: zone.key
          properties: {
            privateLinkServiceId: zone.key == 'sites' ? siteId : storageId
            groupIds: [zone.key]
          }
        }
      ]
    }
  }
]

resource records 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2024-07-01' = [
  for (zone, index) in all: {
    parent: endpoints[index]
    name: 'default'
    properties: {
      privateDnsZoneConfigs: [
        {
          name: zone.key
          properties: { privateDnsZoneId: dnsZoneIds[?zone.key] ?? newZones[index].id }
        }
      ]
    }
  }
]
