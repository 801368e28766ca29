<#
.SYNOPSIS
Starts one migration on this host, its source, and returns at once with the id of the job.
.DESCRIPTION
Safe to repeat: where a job for the machine runs already, its id is the answer; where nothing is left to move, the
answer has no id. A machine that is a role of this host's cluster and goes to another of its nodes is moved by the cluster.
All else, stopped machines included, goes through the migration service, which takes the destination as a name and
connects to it by itself. Settings travel to the service as text: GetText(1) writes the XML form that it reads.
.NOTES
Sources (learn.microsoft.com): WMI classes Msvm_VirtualSystemMigrationService (MigrateVirtualSystemToHost), Msvm_MigrationJob,
Msvm_VirtualSystemMigrationSettingData, Msvm_StorageAllocationSettingData, Msvm_VirtualSystemSettingData; Microsoft's sample
Hyper-V/Migration; cmdlets Move-ClusterVirtualMachineRole, Get-VMHost.
#>
param($Request)

$ErrorActionPreference = 'Stop'
$v2 = 'root\virtualization\v2'
$id = [string][guid]$Request.machineId
$types = @{ live = 32768; offline = 32768; storage = 32769; liveWithStorage = 32771 }

# Returns the job that is moving the machine now, or nothing. Jobs of type 301 to 304 only check whether it could move.
function Find-Job {
    Get-WmiObject -Namespace $v2 -Class Msvm_MigrationJob | Where-Object {
        $_.VirtualSystemName -eq $id -and @(301, 302, 303, 304) -notcontains [int]$_.JobType -and
        @(7, 8, 9, 10, 32768) -notcontains [int]$_.JobState
    } | Select-Object -First 1
}

$machine = Get-WmiObject -Namespace $v2 -Class Msvm_ComputerSystem | Where-Object { $_.Name -eq $id }
if ($null -eq $machine) { throw "reconciler.machine-not-found: This host has no virtual machine with the id $id." }
$job = Find-Job
if ($null -ne $job) { return @{ migrationId = [string]$job.InstanceID; alreadyRunning = $true } }

# What of the storage is left to move. File names stay, so a disk that is already at its target needs nothing. On another
# host the same path is another place: there each folder is named to the service, whether its path changes or not.
$disks = @(Get-WmiObject -Namespace $v2 -Class Msvm_StorageAllocationSettingData | Where-Object {
        $_.InstanceID -like "Microsoft:$id\*" -and $_.ResourceSubType -eq 'Microsoft:Hyper-V:Virtual Hard Disk'
    })
$system = Get-WmiObject -Namespace $v2 -Class Msvm_VirtualSystemSettingData | Where-Object {
    $_.VirtualSystemIdentifier -eq $id -and $_.VirtualSystemType -eq 'Microsoft:Hyper-V:System:Realized'
}
$roots = @{ configuration = 'ConfigurationDataRoot'; checkpoints = 'SnapshotDataRoot'; smartPaging = 'SwapFileDataRoot' }
$new = @{ disks = @(); roots = $false }
foreach ($move in @($Request.storage)) {
    $root = $roots[[string]$move.file]
    if ($root) {
        $path = ([string]$move.to).TrimEnd('\')
        if ($Request.destination -or ([string]$system.$root).TrimEnd('\') -ne $path) {
            $system.$root = $path
            $new.roots = $true
        }
        continue
    }
    $disk = $disks | Where-Object { @($_.HostResource)[0] -eq $move.from } | Select-Object -First 1
    if ($null -ne $disk) {
        # The file's new path stands in place of the old one; no pool, because the path is already said in full.
        $disk.HostResource = [string[]]@([string]$move.to)
        $disk.PoolID = ''
        $new.disks += $disk.GetText(1)
    } elseif (@($disks | Where-Object { @($_.HostResource)[0] -eq $move.to }).Count -eq 0) {
        throw "reconciler.not-migratable: The machine has no disk $($move.from)."
    }
}
$movesStorage = $new.roots -or $new.disks.Count -gt 0
$type = $types[[string]$Request.kind]
if (-not $Request.destination -and -not $movesStorage) { return @{ migrationId = $null; alreadyRunning = $false } }
# A stopped machine is moved by the same method; whether its files come along is said by the type.
if ($Request.destination -and $movesStorage) { $type = 32771 }

$status = @($machine.OperationalStatus | ForEach-Object { [int]$_ })
if ($status[0] -ne 2 -or ($status.Count -gt 1 -and $status[1] -ge 32768 -and $status[1] -le 32781)) {
    throw 'reconciler.busy: The machine is in another operation; it takes no request now.'
}
# 2 is running, 3 is off, 6 is saved; what becomes of a paused machine or of one in between on its way is not known.
if (@(2, 3, 6) -notcontains [int]$machine.EnabledState) {
    throw "reconciler.busy: The machine is neither running, off nor saved (state $($machine.EnabledState))."
}

# A host refuses what goes over its limits instead of queueing it, so look before asking. A cluster's limit comes first.
$service = Get-WmiObject -Namespace $v2 -Class Msvm_VirtualSystemMigrationService
$vmhost = Get-VMHost
$here = @{ limit = [int]$vmhost.MaximumVirtualMachineMigrations; role = $null; node = $null }
if (@(Get-Service -Name ClusSvc -ErrorAction SilentlyContinue | Where-Object { [string]$_.Status -eq 'Running' }).Count -gt 0) {
    $cluster = Get-Cluster
    if ($cluster.MaximumParallelMigrations) { $here.limit = [int]$cluster.MaximumParallelMigrations }
    $here.role = Get-ClusterGroup -VMId $id -ErrorAction SilentlyContinue
    $here.node = Get-ClusterNode | Where-Object {
        $_.Name -eq $Request.destination -or "$($_.Name).$($cluster.Domain)" -eq $Request.destination
    }
}
if ($null -eq $here.role -and (Get-VM -Id $id).IsClustered) {
    throw 'reconciler.refused: The machine is a role of a cluster, and the cluster does not show it.'
}
if ($Request.destination -and -not $vmhost.VirtualMachineMigrationEnabled -and $null -eq $here.node) {
    throw 'reconciler.migration-disabled: Live migration is not enabled on this host.'
}
if ($Request.destination -and [int]$service.ActiveVirtualSystemMigrationCount -ge $here.limit) {
    throw "reconciler.limit-reached: This host already runs $($here.limit) virtual machine migrations, its limit."
}
if ($movesStorage -and [int]$service.ActiveStorageMigrationCount -ge [int]$vmhost.MaximumStorageMigrations) {
    throw "reconciler.limit-reached: This host already runs $($vmhost.MaximumStorageMigrations) storage migrations, its limit."
}

if ($null -ne $here.role -and $Request.destination) {
    if ($null -eq $here.node) { throw 'reconciler.refused: The machine is a role of this cluster and cannot leave it as such.' }
    if ($movesStorage) { throw 'reconciler.refused: Inside a cluster the host and the storage move one after the other.' }
    $how = @{ VMId = $id; Node = [string]$here.node.Name; Wait = 0 }
    # Live is refused for a stopped machine; left out, the cluster moves it as it stands.
    if ([int]$machine.EnabledState -eq 2) { $how.MigrationType = 'Live' }
    $null = Move-ClusterVirtualMachineRole @how
    # The move is on its way: from here on nothing may fail, or it would be taken for refused.
    foreach ($round in 1..10) {
        try { $job = Find-Job } catch { break }
        if ($null -ne $job) { return @{ migrationId = [string]$job.InstanceID; alreadyRunning = $false } }
        Start-Sleep -Milliseconds 300
    }
    # The cluster may let it wait in a queue, where no job exists yet.
    return @{ migrationId = "cluster:$id"; alreadyRunning = $false }
}

$settings = ([wmiclass]"\\.\$($v2):Msvm_VirtualSystemMigrationSettingData").CreateInstance()
$settings.MigrationType = $type
$option = [string]$Request.performanceOption
if (-not $option) { $option = [string]$vmhost.VirtualMachineMigrationPerformanceOption }
if ($Request.destination) {
    $settings.TransportType = 5
    if ($option -eq 'SMB') { $settings.TransportType = 32768 }
    $settings.EnableCompression = $option -eq 'Compression'
}
$call = $service.GetMethodParameters('MigrateVirtualSystemToHost')
$call.ComputerSystem = $machine.__PATH
if ($Request.destination) { $call.DestinationHost = [string]$Request.destination }
$call.MigrationSettingData = $settings.GetText(1)
if ($new.roots) { $call.NewSystemSettingData = $system.GetText(1) }
if ($new.disks.Count -gt 0) { $call.NewResourceSettingData = [string[]]$new.disks }
$answer = $service.InvokeMethod('MigrateVirtualSystemToHost', $call, $null)
$code = [long]$answer.ReturnValue
if ($code -eq 32774) { throw 'reconciler.busy: Another operation holds the machine (0x00008006).' }
if ($code -ne 0 -and $code -ne 4096) {
    throw ('reconciler.refused: The migration service refuses the move (0x{0:X8}).' -f $code)
}
# The job's id is part of the path that came back; asking for the job itself could fail although the move is on its way.
if ([string]$answer.Job -match 'InstanceID="([^"]+)"') { return @{ migrationId = $Matches[1]; alreadyRunning = $false } }
@{ migrationId = $null; alreadyRunning = $false }
