<#
.SYNOPSIS
Sets migration and storage settings of this host, by the field names of the desired state.
.DESCRIPTION
Only fields that are given are touched. Setting what is set already changes nothing. Missing networks are added before
others go, so that the host is never without one. Paths are defaults for new machines; no existing machine moves.
.NOTES
Sources (learn.microsoft.com): cmdlets Set-VMHost, Enable-VMMigration, Disable-VMMigration, Get-VMMigrationNetwork,
Add-VMMigrationNetwork, Set-VMMigrationNetwork, Remove-VMMigrationNetwork.
#>
param($Request)

$ErrorActionPreference = 'Stop'
$parameters = @{
    'migration.maximumVirtualMachineMigrations' = 'MaximumVirtualMachineMigrations'
    'migration.maximumStorageMigrations'        = 'MaximumStorageMigrations'
    'migration.performanceOption'               = 'VirtualMachineMigrationPerformanceOption'
    'migration.authenticationType'              = 'VirtualMachineMigrationAuthenticationType'
    'storage.virtualMachinePath'                = 'VirtualMachinePath'
    'storage.virtualHardDiskPath'               = 'VirtualHardDiskPath'
}
$change = @{}
$wanted = @{ enabled = $null; networks = $null }
# Everything is looked at before anything is set: an unknown field must not leave half of the others behind.
foreach ($setting in $Request.settings.PSObject.Properties) {
    if ($parameters.ContainsKey($setting.Name)) { $change[$parameters[$setting.Name]] = $setting.Value }
    elseif ($setting.Name -eq 'migration.enabled') { $wanted.enabled = [bool]$setting.Value }
    elseif ($setting.Name -eq 'migration.networks') { $wanted.networks = @($setting.Value) }
    else { throw "reconciler.refused: There is no host setting $($setting.Name)." }
}
if ($null -ne $wanted.networks -and $wanted.networks.Count -eq 0) {
    throw 'reconciler.refused: Without any network this host could receive no migration; name one, or say any.'
}
if ($null -ne $wanted.networks -and [string]$wanted.networks[0] -eq 'any') {
    $change.UseAnyNetworkForMigration = $true
    $wanted.networks = $null
}
if ($null -ne $wanted.networks) {
    $change.UseAnyNetworkForMigration = $false
    $present = @(Get-VMMigrationNetwork | ForEach-Object { [string]$_.Subnet })
    $placed = @()
    foreach ($network in $wanted.networks) {
        $placed += $network
        if ($present -contains $network) { Set-VMMigrationNetwork -Subnet $network -NewPriority $placed.Count -Confirm:$false }
        else { Add-VMMigrationNetwork -Subnet $network -Priority $placed.Count -Confirm:$false }
    }
    foreach ($network in $present) {
        if ($placed -notcontains $network) { Remove-VMMigrationNetwork -Subnet $network -Confirm:$false }
    }
}
if ($change.Count -gt 0) { Set-VMHost @change -Confirm:$false }
if ($wanted.enabled -eq $true) { Enable-VMMigration -Confirm:$false }
if ($wanted.enabled -eq $false) { Disable-VMMigration -Confirm:$false }
@{}
