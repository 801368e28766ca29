<#
.SYNOPSIS
Lists the errors and warnings that Hyper-V's management service wrote into its log lately. Changes nothing.
.DESCRIPTION
The newest twenty of the last fifteen minutes: they often say what a failed migration's own error does not. The text is in
the host's language and is for people; nothing is decided by it. A log that cannot be read is an empty list.
.NOTES
Source (learn.microsoft.com): cmdlet Get-WinEvent; event log Microsoft-Windows-Hyper-V-VMMS-Admin.
#>
param($Request)

$ErrorActionPreference = 'Stop'
$log = 'Microsoft-Windows-Hyper-V-VMMS-Admin'
# 2 is an error, 3 a warning; the difference in time is in milliseconds.
$recent = '*[System[(Level=2 or Level=3) and TimeCreated[timediff(@SystemTime) <= 900000]]]'
$events = @()
foreach ($entry in @(Get-WinEvent -LogName $log -FilterXPath $recent -MaxEvents 20 -ErrorAction SilentlyContinue)) {
    $events += @{
        id = [int]$entry.Id; level = [int]$entry.Level; text = [string]$entry.Message
        at = $entry.TimeCreated.ToUniversalTime().ToString('o')
    }
}
@{ events = $events }
