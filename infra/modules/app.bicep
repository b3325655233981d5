// The function app, on a Flex Consumption plan.
import { backend as backendType, hosting as hostingType, network as networkType, signIn as signInType } from '../types.bicep'
import { settingsDocument } from '../settings.types.bicep'

param name string
param planName string
param location string
param tags { *: string }
param identityId string
param identityClientId string
@description('Where storage is: modules/storage.bicep.')
param storage { blob: string, queue: string, table: string, packageContainer: string, reportsContainer: string }
param insightsConnectionString string
@description('Log what the platform sees: requests, sign-ins.')
param isAudited bool
param workspaceId string
param hosting hostingType
param network networkType
param signIn signInType?
param settings settingsDocument
param schedule string
param taskHub string
param backend backendType
param schedulerEndpoint string
param packageUri string

var host = 'AzureFunctionsJobHost__extensions__durableTask'
var pollingSeconds = padLeft(backend.?queuePollingSeconds ?? 5, 2, '0')
var backendSettings = backend.kind == 'azureStorage'
  ? {
      '${host}__storageProvider__maxQueuePollingInterval': '00:00:${pollingSeconds}'
      '${host}__storageProvider__partitionCount': string(backend.?partitionCount ?? 4)
    }
  : {
      DURABLE_TASK_SCHEDULER_CONNECTION_STRING: 'Endpoint=${schedulerEndpoint};Authentication=ManagedIdentity;ClientID=${identityClientId}'
    }
var alwaysReady = hosting.?alwaysReadyInstances ?? 1
var tenantId = signIn.?tenantId ?? tenant().tenantId

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  properties: { reserved: true }
}

resource site 'Microsoft.Web/sites@2025-03-01' = {
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': 'app' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identityId}': {} }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    publicNetworkAccess: (network.?privateApp ?? false) ? 'Disabled' : 'Enabled'
    virtualNetworkSubnetId: network.?appSubnetId
    siteConfig: {
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
      ftpsState: 'Disabled'
      http20Enabled: true
    }
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${storage.blob}${storage.packageContainer}'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      runtime: { name: 'node', version: hosting.?nodeVersion ?? '24' }
      scaleAndConcurrency: {
        instanceMemoryMB: hosting.?instanceMemoryMB ?? 2048
        maximumInstanceCount: hosting.?maximumInstances ?? 40
        alwaysReady: alwaysReady == 0 ? [] : [{ name: 'durable', instanceCount: alwaysReady }]
      }
    }
  }

  // Deployment by Entra identities only.
  resource ftp 'basicPublishingCredentialsPolicies' = {
    name: 'ftp'
    properties: { allow: false }
  }

  resource scm 'basicPublishingCredentialsPolicies' = {
    name: 'scm'
    properties: { allow: false }
  }

  resource appSettings 'config' = {
    name: 'appsettings'
    properties: union(backendSettings, {
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
      APPLICATIONINSIGHTS_CONNECTION_STRING: insightsConnectionString
      AZURE_CLIENT_ID: identityClientId
      AzureWebJobsStorage__blobServiceUri: storage.blob
      AzureWebJobsStorage__clientId: identityClientId
      AzureWebJobsStorage__credential: 'managedidentity'
      AzureWebJobsStorage__queueServiceUri: storage.queue
      AzureWebJobsStorage__tableServiceUri: storage.table
      REBOOT_ARM_ENDPOINT: environment().resourceManager
      REBOOT_REPORTS_CONTAINER: storage.reportsContainer
      REBOOT_SCHEDULE: schedule
      REBOOT_SETTINGS: string(settings)
      TASKHUB_NAME: taskHub
    })
  }

  resource auth 'config' = if (signIn != null) {
    name: 'authsettingsV2'
    properties: {
      platform: { enabled: true }
      globalValidation: { requireAuthentication: true, unauthenticatedClientAction: 'Return401' }
      httpSettings: { requireHttps: true }
      identityProviders: {
        azureActiveDirectory: {
          enabled: true
          registration: {
            clientId: signIn.?clientId
            openIdIssuer: '${environment().authentication.loginEndpoint}${tenantId}/v2.0'
          }
          validation: {
            allowedAudiences: signIn.?allowedAudiences ?? ['api://${signIn.?clientId ?? ''}']
            defaultAuthorizationPolicy: {
              allowedApplications: signIn.?allowedApplications
              allowedPrincipals: { identities: signIn.?allowedPrincipals }
            }
          }
        }
      }
      login: { tokenStore: { enabled: false } }
    }
  }

  resource package 'extensions' = if (!empty(packageUri)) {
    name: 'onedeploy'
    #disable-next-line BCP187 // The type knows MSDeploy only.
    properties: { packageUri: packageUri, remoteBuild: false }
    dependsOn: [appSettings]
  }
}

resource audit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = if (isAudited) {
  scope: site
  name: 'audit'
  properties: {
    workspaceId: workspaceId
    logs: [{ categoryGroup: 'allLogs', enabled: true }]
  }
}

output id string = site.id
output name string = site.name
output hostName string = site.properties.defaultHostName
