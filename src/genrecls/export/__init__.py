"""From a finished run to files that a device can use: conversion, gate, bundle."""

from genrecls import make_callable

make_callable(__name__)
