<#
.SYNOPSIS
Answers with the texts that it was sent, and with as much filler as it was asked for. Changes nothing, reads nothing.
.DESCRIPTION
For the self-test: what a host makes of umlauts, emoji and quotes on their way in and out, and whether large answers come
through. For each text the answer also has its length in UTF-16 units, as this host counts it.
.NOTES
Source (learn.microsoft.com): System.String.
#>
param($Request)

$ErrorActionPreference = 'Stop'
$texts = @()
foreach ($text in @($Request.texts)) { $texts += @{ text = [string]$text; length = ([string]$text).Length } }
@{ texts = $texts; filler = 'x' * [int]$Request.filler }
