"""The server for agents (Model Context Protocol): read-only tools on a workspace."""
