<#
.SYNOPSIS
Starts one stopped or saved virtual machine.
.DESCRIPTION
A machine that runs already, or is about to, is left alone. Called only where the desired state says whenOff: start.
.NOTES
Sources (learn.microsoft.com): cmdlets Get-VM and Start-VM.
#>
param($Request)

$ErrorActionPreference = 'Stop'
$id = [string][guid]$Request.machineId
$machine = Get-VM | Where-Object { [string]$_.Id -eq $id }
if ($null -eq $machine) { throw "reconciler.machine-not-found: This host has no virtual machine with the id $id." }
# 2 is running, 10 is starting, 3 is off, 6 is saved.
$state = [int]$machine.State
if (@(2, 10) -contains $state) { return @{} }
if (@(3, 6) -notcontains $state) { throw "reconciler.busy: The machine is neither off nor saved (state $state)." }
Start-VM -VM $machine -Confirm:$false
@{}
