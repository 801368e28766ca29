<#
.SYNOPSIS
Tells what the cluster role of one virtual machine of this host has set; changes nothing.
.DESCRIPTION
Asked before a role is taken off, because its settings go with it. Where there is no role, the answer has no settings.
.NOTES
Sources (learn.microsoft.com): cmdlets Get-ClusterGroup, Get-ClusterResource, Get-ClusterOwnerNode (-Group gives preferred,
-Resource possible owners), Get-VM.
#>
param($Request)

$ErrorActionPreference = 'Stop'
$id = [string][guid]$Request.machineId
$machine = Get-VM | Where-Object { [string]$_.Id -eq $id }
if ($null -eq $machine) { throw "reconciler.machine-not-found: This host has no virtual machine with the id $id." }
if (-not $machine.IsClustered) { return @{ settings = @{} } }
if (@(Get-Service -Name ClusSvc -ErrorAction SilentlyContinue | Where-Object { [string]$_.Status -eq 'Running' }).Count -eq 0) {
    throw 'reconciler.not-a-cluster-node: The machine is a role, and the cluster service of this host does not run.'
}
$role = Get-ClusterGroup -VMId $id
$settings = @{
    name                   = [string]$role.Name
    priority               = [int]$role.Priority
    autoFailbackType       = [int]$role.AutoFailbackType
    failbackWindowStart    = [long]$role.FailbackWindowStart
    failbackWindowEnd      = [long]$role.FailbackWindowEnd
    failoverPeriod         = [long]$role.FailoverPeriod
    failoverThreshold      = [long]$role.FailoverThreshold
    antiAffinityClassNames = @($role.AntiAffinityClassNames | Where-Object { $_ } | ForEach-Object { [string]$_ })
    preferredOwners        = @((Get-ClusterOwnerNode -Group $role.Name).OwnerNodes | ForEach-Object { [string]$_.Name })
    possibleOwners         = @()
}
$resource = $role | Get-ClusterResource | Where-Object { [string]$_.ResourceType -eq 'Virtual Machine' }
if ($resource) {
    $owners = (Get-ClusterOwnerNode -Resource $resource.Name).OwnerNodes
    $settings.possibleOwners = @($owners | ForEach-Object { [string]$_.Name })
}
@{ settings = $settings }
