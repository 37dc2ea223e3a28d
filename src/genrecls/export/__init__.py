"""From a finished run to files that a device can use: conversion, gate, bundle."""
