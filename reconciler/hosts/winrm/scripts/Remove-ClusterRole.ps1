<#
.SYNOPSIS
Takes one virtual machine out of this host's cluster; the machine itself stays and keeps running.
.DESCRIPTION
The role's own settings are read first and returned, because they go with the role. Where there is no role, the answer has no
settings. Returns when the host no longer calls the machine clustered, at most twenty seconds later.
.NOTES
Sources (learn.microsoft.com): cmdlets Get-ClusterGroup, Get-ClusterResource, Get-ClusterOwnerNode (-Group gives preferred,
-Resource possible owners), Remove-ClusterGroup (-VMId and -RemoveResources), Get-VM.
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
Remove-ClusterGroup -VMId $id -RemoveResources -Force -Confirm:$false
# The role is gone: from here on nothing may fail, or its settings would be lost with it.
foreach ($round in 1..40) {
    try { if (-not (Get-VM -Id $id).IsClustered) { break } } catch { break }
    Start-Sleep -Milliseconds 500
}
@{ settings = $settings }
