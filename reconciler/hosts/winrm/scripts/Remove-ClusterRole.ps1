<#
.SYNOPSIS
Takes one virtual machine out of this host's cluster; the machine itself stays and keeps running.
.DESCRIPTION
The role's own settings are read first and returned, because they go with the role. Where there is no role, the answer has no
settings. Returns when the host no longer calls the machine clustered, at most twenty seconds later.
.NOTES
Sources (learn.microsoft.com): cmdlets Get-ClusterGroup, Get-ClusterOwnerNode, Remove-ClusterGroup (-VMId and
-RemoveResources), Get-VM.
#>
param($Request)

$ErrorActionPreference = 'Stop'
$id = [string][guid]$Request.machineId
if (@(Get-Service | Where-Object { $_.Name -eq 'ClusSvc' -and [string]$_.Status -eq 'Running' }).Count -eq 0) {
    return @{ settings = @{} }
}
$role = Get-ClusterGroup -VMId $id -ErrorAction SilentlyContinue
if ($null -eq $role) { return @{ settings = @{} } }
$owners = Get-ClusterOwnerNode -Group $role.Name
$settings = @{
    name             = [string]$role.Name
    priority         = [int]$role.Priority
    autoFailbackType = [int]$role.AutoFailbackType
    preferredOwners  = @($owners.OwnerNodes | ForEach-Object { [string]$_.Name })
}
Remove-ClusterGroup -VMId $id -RemoveResources -Force -Confirm:$false
foreach ($round in 1..40) {
    $machine = Get-VM | Where-Object { [string]$_.Id -eq $id }
    if ($null -eq $machine -or -not $machine.IsClustered) { break }
    Start-Sleep -Milliseconds 500
}
@{ settings = $settings }
