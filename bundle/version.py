"""The version of Twofold, the same in every command and package."""

VERSION = "0.2.0"
