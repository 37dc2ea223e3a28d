"""What every option of a registry must do; genrecls' own options are tested by it as well."""
