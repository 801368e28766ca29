<#
.SYNOPSIS
Reports this host, its virtual machines, its migrations and its cluster as one object. Changes nothing.
.DESCRIPTION
Each kind of fact is read once for all machines and joined by VMId: the lazy properties of a machine would cost a query each.
What cannot be read stays null and is named in host.problems; it is never reported as absent. Enumerations are numbers.
Shares are left to the controller: their free space would need the caller's credentials on the file server.
.NOTES
Sources (learn.microsoft.com): module Hyper-V, Get-VMHost, Get-VM, Get-VMHardDiskDrive, Get-VHD, Get-VMSnapshot and the like;
module FailoverClusters, Get-Cluster, Get-ClusterNode, Get-ClusterSharedVolume; WMI classes Win32_Volume and
Msvm_VirtualSystemMigrationService and Msvm_PlannedComputerSystem.
#>
param($Request)

$ErrorActionPreference = 'Stop'
$clock = [System.Diagnostics.Stopwatch]::StartNew()
$seen = @{ problems = @(); troubles = @(); unread = @{}; facts = @{}; cluster = $null; nodeState = $null }

# Returns all that the block gives as one array, or null where it fails; the failure is noted.
function Read-Part {
    param($Name, $Block)
    try { return , @(& $Block) } catch { $seen.problems += "$Name`: $($_.Exception.Message)" }
}

# Reads facts of all machines at once; where that fails, machine by machine, so that none spoils the facts of the others.
function Read-Facts {
    param($Name, $Block)
    try { $all = @(& $Block $machines) } catch {
        $all = @(foreach ($machine in $machines) {
                try { & $Block $machine } catch {
                    $seen.unread["$Name $($machine.Id)"] = $true
                    $seen.troubles += @{ id = [string]$machine.Id; text = "$Name of $($machine.Name): $($_.Exception.Message)" }
                }
            })
    }
    $table = @{}
    foreach ($fact in $all) { $table[[string]$fact.VMId] += , $fact }
    $seen.facts[$Name] = $table
}

# Returns the facts of one machine as an array, or null where they could not be read.
function Get-Facts {
    param($Name, $Id)
    if ($seen.unread["$Name $Id"]) { return $null }
    return , @($seen.facts[$Name][$Id] | Where-Object { $null -ne $_ })
}

function Get-DiskReport {
    param($Drive)
    # A file on a share may be closed to this session; its sizes then stay unknown. So they do where reading takes too long.
    if ($null -eq $Drive.DiskNumber) {
        if ($clock.Elapsed.TotalSeconds -lt 30) { try { $image = Get-VHD -Path $Drive.Path } catch { $image = $null } }
        elseif (-not $seen.late) { $seen.late = $true; $seen.problems += 'sizes of disks: reading them takes too long' }
    }
    $disk = @{
        controller = [string]$Drive.ControllerType; controllerNumber = [int]$Drive.ControllerNumber
        location = [int]$Drive.ControllerLocation; path = [string]$Drive.Path; sizeBytes = $null; fileBytes = $null
        shared = [bool]($Drive.SupportPersistentReservations -or [string]$Drive.Path -like '*.vhds')
        passThrough = $null -ne $Drive.DiskNumber; parentPath = $null
    }
    if ($null -ne $image) { $disk.sizeBytes = [long]$image.Size; $disk.fileBytes = [long]$image.FileSize }
    if ($null -ne $image -and $image.ParentPath) { $disk.parentPath = [string]$image.ParentPath }
    $disk
}

function Get-MachineReport {
    param($Machine)
    $id = [string]$Machine.Id
    $memory = [long]$Machine.MemoryAssigned
    if ($memory -eq 0) { $memory = [long]$Machine.MemoryStartup }
    $item = @{
        id = $id; name = [string]$Machine.Name; state = [int]$Machine.State; replication = [int]$Machine.ReplicationMode
        operationalStatus = @($Machine.OperationalStatus | ForEach-Object { [int]$_ })
        memoryMiB = [long]($memory / 1MB); maximumMemoryMiB = $null; processors = [int]$Machine.ProcessorCount
        generation = [int]$Machine.Generation; configurationVersion = [string]$Machine.Version
        highlyAvailable = [bool]$Machine.IsClustered; configurationPath = [string]$Machine.ConfigurationLocation
        checkpointPath = [string]$Machine.SnapshotFileLocation; smartPagingPath = [string]$Machine.SmartPagingFilePath
        disks = $null; switches = $null; mountedIso = $null; checkpoints = $null; assignedDevices = $null
        processorCompatibility = $null
    }
    if ($Machine.DynamicMemoryEnabled) { $item.maximumMemoryMiB = [long]($Machine.MemoryMaximum / 1MB) }
    $own = Get-Facts 'disks' $id
    if ($null -ne $own) { $item.disks = @($own | ForEach-Object { Get-DiskReport $_ }) }
    $own = Get-Facts 'network adapters' $id
    if ($null -ne $own) {
        $names = $own | Where-Object { $_.SwitchName } | ForEach-Object { [string]$_.SwitchName }
        $item.switches = @($names | Sort-Object -Unique)
    }
    $own = Get-Facts 'DVD drives' $id
    $own = @($own | Where-Object { $_.Path })
    if ($own.Count -gt 0) { $item.mountedIso = [string]$own[0].Path }
    $own = Get-Facts 'checkpoints' $id
    if ($null -ne $own) { $item.checkpoints = $own.Count }
    $own = Get-Facts 'assigned devices' $id
    if ($null -ne $own) { $item.assignedDevices = $own.Count }
    $own = Get-Facts 'processors' $id
    if ($own) { $item.processorCompatibility = [bool]$own[0].CompatibilityForMigrationEnabled }
    $item
}

# A planned machine (type 4) is only the far end of a migration that is on its way.
function Get-Machines { Get-VM | Where-Object { [int]$_.VirtualMachineType -ne 4 } }

$vmhost = Get-VMHost
$machines = @(Get-Machines)
$system = Read-Part 'memory' { Get-CimInstance -ClassName Win32_OperatingSystem }
$processor = Read-Part 'processor' { Get-CimInstance -ClassName Win32_Processor }
$switches = Read-Part 'switches' { Get-VMSwitch | ForEach-Object { [string]$_.Name } | Sort-Object -Unique }
# Volumes without a drive letter count where they are mounted. Shared volumes of a cluster are listed with the cluster.
$volumes = Read-Part 'volumes' {
    Get-CimInstance -ClassName Win32_Volume | Where-Object {
        $_.DriveType -eq 3 -and $null -ne $_.Capacity -and $_.Name -notlike '\\*' -and $_.Name -notlike '*\ClusterStorage\*'
    } | ForEach-Object { @{ path = [string]$_.Name; sizeBytes = [long]$_.Capacity; freeBytes = [long]$_.FreeSpace } }
}
$networks = 'any'
if (-not $vmhost.UseAnyNetworkForMigration) {
    $networks = Read-Part 'networks' {
        Get-VMMigrationNetwork | Sort-Object -Property Priority | ForEach-Object { [string]$_.Subnet }
    }
}
$v2 = 'root\virtualization\v2'
$service = Read-Part 'migration slots' { Get-CimInstance -Namespace $v2 -ClassName Msvm_VirtualSystemMigrationService }
$jobs = Read-Part 'migrations' {
    Get-CimInstance -Namespace $v2 -ClassName Msvm_MigrationJob | ForEach-Object {
        $started = $null
        if ($null -ne $_.StartTime) { $started = $_.StartTime.ToUniversalTime().ToString('o') }
        @{
            id = [string]$_.InstanceID; virtualMachine = ([string]$_.VirtualSystemName).ToLower()
            destination = $_.DestinationHost
            jobType = [int]$_.JobType; migrationType = [int]$_.MigrationType; jobState = [int]$_.JobState
            percent = [int]$_.PercentComplete; startedAt = $started; errorCode = [long]$_.ErrorCode; error = $_.ErrorDescription
        }
    }
}

# What is planned is the far end of a migration, or what is left of one; hosts that do not tell stay as they are.
try {
    $planned = @(Get-CimInstance -Namespace $v2 -ClassName Msvm_PlannedComputerSystem | ForEach-Object {
        @{ id = ([string]$_.Name).ToLower(); name = [string]$_.ElementName }
    })
} catch { $planned = $null }

$list = @()
if ($machines.Count -gt 0) {
    Read-Facts 'disks' { param($Some) Get-VMHardDiskDrive -VM $Some }
    Read-Facts 'network adapters' { param($Some) Get-VMNetworkAdapter -VM $Some }
    Read-Facts 'DVD drives' { param($Some) Get-VMDvdDrive -VM $Some }
    Read-Facts 'checkpoints' { param($Some) Get-VMSnapshot -VM $Some }
    Read-Facts 'processors' { param($Some) Get-VMProcessor -VM $Some }
    Read-Facts 'assigned devices' { param($Some) Get-VMAssignableDevice -VM $Some }
}
foreach ($one in $machines) {
    try { $list += Get-MachineReport $one } catch {
        $list += @{ id = [string]$one.Id; name = [string]$one.Name }
        $seen.troubles += @{ id = [string]$one.Id; text = "$($one.Name): $($_.Exception.Message)" }
    }
}
if ($seen.troubles.Count -gt 0) {
    # A machine that left while it was read is no machine of this host any more; what was said of it is void.
    $here = @(Get-Machines | ForEach-Object { [string]$_.Id })
    $list = @($list | Where-Object { $here -contains $_.id })
    $seen.problems += @($seen.troubles | Where-Object { $here -contains $_.id } | ForEach-Object { $_.text })
}

# Clustering is a feature of its own: where its service is missing or disabled there is no cluster, and that is no problem.
$clustering = Get-Service -Name ClusSvc -ErrorAction SilentlyContinue
if ($clustering -and [string]$clustering.Status -eq 'Running') {
    try {
        $found = Get-Cluster
        $seen.nodeState = [int](Get-ClusterNode -Name $env:COMPUTERNAME).State
        $cluster = @{ name = [string]$found.Name; maximumParallelMigrations = $null; sharedVolumes = @() }
        $seen.cluster = $cluster
        if ($found.MaximumParallelMigrations) { $cluster.maximumParallelMigrations = [int]$found.MaximumParallelMigrations }
        foreach ($info in @(Get-ClusterSharedVolume | ForEach-Object { $_.SharedVolumeInfo })) {
            $volume = @{ path = [string]$info.FriendlyVolumeName; sizeBytes = $null; freeBytes = $null }
            # A volume that is not online has no partition to ask.
            $part = $info.Partition
            if ($part) { $volume.sizeBytes = [long]$part.Size; $volume.freeBytes = [long]$part.FreeSpace }
            $cluster.sharedVolumes += $volume
        }
    } catch { $seen.problems += "cluster: $($_.Exception.Message)" }
} elseif ($clustering -and [string]$clustering.StartType -ne 'Disabled') {
    $seen.problems += 'cluster: this host belongs to one, but its cluster service does not run'
}

$report = @{
    name = [string]$env:COMPUTERNAME; cluster = $null; nodeState = $seen.nodeState
    osVersion = $null; availableMemoryMiB = $null; memoryMiB = [long]($vmhost.MemoryCapacity / 1MB)
    logicalProcessors = [int]$vmhost.LogicalProcessorCount; switches = $switches
    supportedConfigurationVersions = @($vmhost.SupportedVmVersions | ForEach-Object { [string]$_ })
    processorVendor = $null; processorModel = $null; virtualMachines = $list; migrations = $jobs; problems = $seen.problems
    plannedVirtualMachines = $planned
    migration = @{
        enabled = [bool]$vmhost.VirtualMachineMigrationEnabled; networks = $networks
        maximumVirtualMachineMigrations = [int]$vmhost.MaximumVirtualMachineMigrations
        maximumStorageMigrations = [int]$vmhost.MaximumStorageMigrations
        performanceOption = [int]$vmhost.VirtualMachineMigrationPerformanceOption
        authenticationType = [int]$vmhost.VirtualMachineMigrationAuthenticationType
        activeVirtualMachineMigrations = $null; activeStorageMigrations = $null
    }
    storage = @{
        virtualMachinePath = [string]$vmhost.VirtualMachinePath; virtualHardDiskPath = [string]$vmhost.VirtualHardDiskPath
        volumes = $volumes
    }
}
if ($null -ne $seen.cluster) { $report.cluster = $seen.cluster.name }
if ($system) {
    $report.osVersion = [string]$system[0].Version
    $report.availableMemoryMiB = [long]($system[0].FreePhysicalMemory / 1KB)
}
if ($processor) {
    $report.processorVendor = [string]$processor[0].Manufacturer
    $report.processorModel = [string]$processor[0].Name
}
if ($service) {
    $report.migration.activeVirtualMachineMigrations = [int]$service[0].ActiveVirtualSystemMigrationCount
    $report.migration.activeStorageMigrations = [int]$service[0].ActiveStorageMigrationCount
}
@{ host = $report; cluster = $seen.cluster; shares = $null }
