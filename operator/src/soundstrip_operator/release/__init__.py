"""Letting go: what the operator, or its removal, leaves behind must hold nothing up."""
