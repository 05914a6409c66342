"""Operations on the material of keys: rotation and import."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reading_room.aws.call import Call
from reading_room.kms import imports, keys, rotation
from reading_room.kms.access import Asked
from reading_room.kms.errors import UnsupportedOperationException, ValidationException
from reading_room.kms.operations.rows import KeyRows, key_operation
from reading_room.kms.pages import page
from reading_room.kms.tables import KeyRow, MaterialRow


class MaterialOperations:
    """Rotation and import."""

    def __init__(self, rows: KeyRows) -> None:
        self._rows = rows

    @key_operation("EnableKeyRotation")
    def enable_rotation(self, call: Call, request: Mapping[str, Any]) -> None:
        """EnableKeyRotation."""
        days = request.get("RotationPeriodInDays")
        context = {"kms:RotationPeriodInDays": (str(days or rotation.PERIOD_DAYS),)}
        with self._rows.changing(call, Asked("EnableKeyRotation", context)) as (_, row):
            rotation.enable(row, days, self._rows.clock())

    @key_operation("DisableKeyRotation")
    def disable_rotation(self, call: Call, request: Mapping[str, Any]) -> None:
        """DisableKeyRotation."""
        with self._rows.changing(call, Asked("DisableKeyRotation")) as (_, row):
            rotation.disable(row)

    @key_operation("GetKeyRotationStatus")
    def rotation_status(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """GetKeyRotationStatus."""
        with self._rows.reading(call, Asked("GetKeyRotationStatus")) as (_, row):
            rotation.check_rotates(row)
            answer: dict[str, Any] = {"KeyId": keys.arn_of(row), "KeyRotationEnabled": row.rotation_days is not None}
            if row.rotation_days is not None:
                answer |= {"RotationPeriodInDays": row.rotation_days, "NextRotationDate": row.rotates_at}
            return answer

    @key_operation("RotateKeyOnDemand")
    def rotate(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """RotateKeyOnDemand: new material encrypts with the answer."""
        with self._rows.changing(call, Asked("RotateKeyOnDemand")) as (session, row):
            rotation.on_demand(session, row, self._rows.clock())
            return {"KeyId": keys.arn_of(row)}

    @key_operation("ListKeyRotations")
    def list_rotations(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """ListKeyRotations, with the first material if all is wanted."""
        with self._rows.reading(call, Asked("ListKeyRotations")) as (session, row):
            if row.origin != "EXTERNAL":
                rotation.check_rotates(row)
            found = rotation.every(session, row)
            if request.get("IncludeKeyMaterial") != "ALL_KEY_MATERIAL":
                found = [each for each in found if each.rotation is not None]
            shown, more = page("rotations", found, request, lambda each: f"{each.number:06}", 100)
            return {"Rotations": [_structure(row, each) for each in shown], **more}

    @key_operation("GetParametersForImport")
    def parameters(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """GetParametersForImport."""
        wrapping, spec = request["WrappingAlgorithm"], request["WrappingKeySpec"]
        context = {"kms:WrappingAlgorithm": (wrapping,), "kms:WrappingKeySpec": (spec,)}
        with self._rows.reading(call, Asked("GetParametersForImport", context)) as (_, row):
            made = imports.parameters(self._rows.database.sealer, row, wrapping, spec, self._rows.clock())
            return {
                "KeyId": keys.arn_of(row),
                "ImportToken": made.token,
                "PublicKey": made.public_key,
                "ParametersValidTo": made.valid_to,
            }

    @key_operation("ImportKeyMaterial")
    def import_material(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """ImportKeyMaterial."""
        model = request.get("ExpirationModel", "KEY_MATERIAL_EXPIRES")
        expires_at = request.get("ValidTo")
        context: dict[str, tuple[str, ...]] = {"kms:ExpirationModel": (model,)}
        if expires_at is not None:
            context["kms:ValidTo"] = (expires_at.strftime("%Y-%m-%dT%H:%M:%SZ"),)
        asked = Asked("ImportKeyMaterial", context)
        with self._rows.reading(call, asked) as (_, row):
            if request.get("ImportType") == "NEW_KEY_MATERIAL" and row.material_id is not None:
                raise UnsupportedOperationException("A key cannot have several imported materials: make another key.")
            if (expires_at is None) is (model == "KEY_MATERIAL_EXPIRES"):
                raise ValidationException("ValidTo is needed with KEY_MATERIAL_EXPIRES, and only with it.")
            content = imports.unwrap(
                self._rows.database.sealer,
                row,
                request["ImportToken"],
                request["EncryptedKeyMaterial"],
                self._rows.clock(),
            )
        with self._rows.changing(call, asked) as (session, row):
            imports.check_imports(row)
            note = request.get("KeyMaterialDescription")
            material_id = imports.store(session, row, content, expires_at, note, self._rows.clock())
            return {"KeyId": keys.arn_of(row), "KeyMaterialId": material_id}

    @key_operation("DeleteImportedKeyMaterial")
    def delete_material(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """DeleteImportedKeyMaterial: the key is of no use until the same material is imported again."""
        with self._rows.changing(call, Asked("DeleteImportedKeyMaterial")) as (session, row):
            material_id = imports.delete(session, row, request.get("KeyMaterialId"))
            answer = {"KeyId": keys.arn_of(row)}
            return answer if material_id is None else {**answer, "KeyMaterialId": material_id}


def _structure(key: KeyRow, each: MaterialRow) -> dict[str, Any]:
    found: dict[str, Any] = {
        "KeyId": keys.arn_of(key),
        "KeyMaterialId": each.material_id,
        "KeyMaterialState": "CURRENT" if each.material_id == key.material_id else "NON_CURRENT",
    }
    if each.rotation is not None:
        found |= {"RotationDate": each.created_at, "RotationType": each.rotation}
    if key.origin == "EXTERNAL":
        expires = each.expires_at is not None
        found |= {
            "ImportState": "IMPORTED",
            "ExpirationModel": "KEY_MATERIAL_EXPIRES" if expires else "KEY_MATERIAL_DOES_NOT_EXPIRE",
        }
        if expires:
            found["ValidTo"] = each.expires_at
        if each.description is not None:
            found["KeyMaterialDescription"] = each.description
    return found
