import type { EC2Client } from "@aws-sdk/client-ec2";
import type { ComponentType, ReactNode } from "react";
import type { Column } from "../../components/ResourceTable";
import type { DescribedTag } from "../../components/tags/tags";
import type { Read } from "../data/reads";

export interface Detail {
  readonly label: string;
  readonly value: ReactNode;
}

/**
 * A type of network resource: how to read it, what to show, and its actions. All pages of resources are built from
 * these.
 */
export interface Kind<Item> {
  readonly path: string;
  readonly title: string;
  readonly noun: string;
  readonly idPrefix: string;
  readonly read: Read<Item>;
  readonly idOf: (item: Item) => string;
  readonly tagsOf: (item: Item) => readonly DescribedTag[] | undefined;
  /** The columns after id and name. */
  readonly columns: readonly Column<Item>[];
  readonly details: (item: Item) => readonly Detail[];
  /** What it is for and how to create the first one. */
  readonly empty: ReactNode;
  readonly create?: { readonly label: string; readonly Form: ComponentType<{ readonly onDismiss: () => void }> };
  readonly remove?: {
    readonly act: (ec2: EC2Client, item: Item) => Promise<unknown>;
    /** Why this one cannot be deleted, if that is known in advance. */
    readonly forbidden?: (item: Item) => string | undefined;
    /** The verb for deleting, if it is another one, such as "Release". */
    readonly verb?: string;
    /** What is deleted with it. */
    readonly warning?: string;
    /** The dialog before deleting, if the common one is not enough. */
    readonly Dialog?: ComponentType<{
      readonly item: Item;
      readonly onDismiss: () => void;
      readonly onDone: () => void;
    }>;
  };
  /** Buttons on the page of a resource. */
  readonly Actions?: ComponentType<{ readonly item: Item }>;
  /** Editors and lists below the details. */
  readonly panels?: readonly ComponentType<{ readonly item: Item }>[];
}

/** A type with its item type hidden. */
export interface KindPages {
  readonly path: string;
  readonly title: string;
  readonly noun: string;
  readonly idPrefix: string;
  readonly list: () => ReactNode;
  readonly view: (id: string) => ReactNode;
}
