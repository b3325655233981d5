// What the identity may do to clusters and their nodes: custom roles, one of each in every
// subscription that has clusters, and their assignments. Part of main.bicep; on its own for those
// who give rights separately: az deployment sub create -f infra/access.bicep -p principalId=…
targetScope = 'subscription'

import { feature } from 'types.bicep'

@description('Name of the installation; its roles carry it.')
@minLength(2)
@maxLength(20)
param name string

@description('Object id of the identity.')
@minLength(36)
@maxLength(36)
param principalId string

@description('ARM ids of the clusters. The identity of who deploys this needs to be able to assign roles on each, and on its node resource group.')
@minLength(1)
@maxLength(250)
param clusterIds string[]

@description('What the app may do beside what it always has to.')
param features feature[] = []

@description('ARM ids of the Azure Monitor workspaces whose Prometheus the settings ask with Entra tokens.')
param prometheusWorkspaceIds string[] = []

@description('Who decides in the clusters: Kubernetes RBAC or Azure RBAC.')
@allowed(['kubernetes', 'azure'])
param clusterAuthorization string = 'kubernetes'

// union() drops what is there twice.
var subscriptions = union([], map(clusterIds, id => toLower(split(id, '/')[2])))

module roles 'modules/roles.bicep' = [
  for id in subscriptions: {
    scope: subscription(id)
    params: {
      name: name
      principalId: principalId
      features: features
      withKubernetes: clusterAuthorization == 'azure'
    }
  }
]

module metrics 'modules/metricsAccess.bicep' = [
  for id in prometheusWorkspaceIds: {
    scope: resourceGroup(split(id, '/')[2], split(id, '/')[4])
    params: {
      workspaceName: last(split(id, '/'))
      principalId: principalId
    }
  }
]

module clusters 'modules/clusterAccess.bicep' = [
  for id in clusterIds: {
    scope: resourceGroup(split(id, '/')[2], split(id, '/')[4])
    params: {
      clusterName: last(split(id, '/'))
      principalId: principalId
      roles: roles[indexOf(subscriptions, toLower(split(id, '/')[2]))].outputs.ids
    }
  }
]
